"""Which profiles are read side by side: each kernel or posting with the one that came before it."""

from __future__ import annotations

NEIGHBOURS = (
    ("linux-6.1", "linux-6.12"),
    ("linux-6.12", "linux-6.18"),
    ("linux-6.18", "linux-7.3"),
    ("linux-6.18", "vswap-v6"),
    ("linux-6.18", "batching-v4"),
    ("batching-v4", "batching-v6"),
    ("batching-v6", "batching-v8"),
    ("batching-v8", "batching-v9"),
    ("batching-v9", "batching-v10"),
    ("batching-v10", "batching-v11"),
    ("batching-v11", "batching-v12"),
    ("batching-v12", "batching-v13"),
    ("batching-v13", "batching-v14"),
    ("batching-v14", "batching-decompress"),
    ("batching-v14", "batching-reclaim"),
    ("batching-v14", "batching-v14-insert-first"),
)
"""Names of profiles, the earlier one first.  Each profile but the first comes second once."""

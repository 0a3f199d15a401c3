"""Where each invariant of kcompressd (KC-1 to KC-25) is checked that is no property of its own.

The others stand in ``refmodel.properties.kcompressd`` under their numbers, KC-21 in ``refmodel.properties.zram``.
"""

from __future__ import annotations

OTHERWISE = {
    "KC-12": "PROMISE and LIVE: reclaim that frees a folio which is dirty, written or referred to loses it (K7, K05).",
    "KC-15": "PROMISE and ZS-18, in every state at rest and for every access (exhibit K7).",
    "KC-19": "REFS: a queue's reference to a folio is given back when the folio was seen to, once.",
    "KC-23": "PROGRESS in every exploration; litmus kc-15-thread-never-runs, kc-3-refault-without-thread.",
    "KC-24": "LIVE (exhibit K05), and FOLIO: nothing is locked at rest but what waits.",
    "KC-25": "Tests of kcompressd: what is counted before, while and after a folio waits.",
}
"""Invariants that something else shows, and what."""

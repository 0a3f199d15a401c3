"""Assumptions: what the environment of a profile may be taken never to do, because the kernel cannot bear it.

What is checked under an assumption holds under it only, so whoever assumes says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from refmodel.kernel.choices import BOUNCE_BUFFER

ASSUMPTIONS: Mapping[str, Mapping[str, str]] = {
    "linux-6.1": {
        BOUNCE_BUFFER.name: "the buffer is small, and its allocation (GFP_ATOMIC) fails only under extreme pressure; "
        "if it did, the reader would be given a device block that was never written (H-13)",
    },
}
"""Profile -> choice point that never fails -> why."""


def assumed(profile: str) -> Mapping[str, str]:
    """Return the assumptions about a profile, or about the profile that it was made from."""
    return ASSUMPTIONS.get(profile.partition("+")[0], {})

"""The versions of the IAA driver: which way to make queue tables, which cursors, which defects each has.

Where a version was not read in full, ``unverified`` says what is assumed of it.
"""

from __future__ import annotations

import difflib

from refmodel.kernel.iaa_driver import CheckingDriver, Defects, IaaDriver, NodeDriver, PackageDriver
from refmodel.kernel.iaa_round_robin import Select, move_then_use, use_then_move
from refmodel.kernel.iaa_tables import Attributes
from refmodel.profiles.profile import UnknownProfile

_MAIN = "drivers/crypto/intel/iaa/iaa_crypto_main.c"
_PATCH = "crypto: iaa - New architecture for IAA device WQ comp/decomp usage & core mapping"

LINUX_6_12 = NodeDriver(
    name="linux-6.12",
    source=f"{_MAIN}, Linux 6.12.117",
    defects=Defects(registers_once=True),
)

LINUX_6_18 = IaaDriver(
    name="linux-6.18",
    source=f"{_MAIN}, patches 714ca27e9bf4 (Linux 6.16) and 590fa5d69c27 (sent to 6.18 stable in May 2026)",
    defects=Defects(restarts=True, registers_once=True),
    unverified="6.18.15 itself was not read; its tables follow from the two patches",
)

LINUX_7_3 = IaaDriver(
    name="linux-7.3",
    source=f"{_MAIN}, Linux 7.3.4",
    defects=Defects(registers_once=True),
)

BATCHING_V9 = PackageDriver(
    name="batching-v9",
    source=f"{_PATCH}, batching v9 06/19",
    defects=Defects(types_when_bound=True, keeps_unbound=True, registers_once=True),
    defaults=Attributes(g_comp_wqs_per_iaa=0, distribute_comps=True, distribute_decomps=True),
)

BATCHING_V10 = CheckingDriver(
    name="batching-v10",
    source=f"{_PATCH}, batching v10 02/25",
    defects=Defects(types_when_bound=True, keeps_unbound=True, collapses=True, registers_once=True),
    defaults=Attributes(g_comp_wqs_per_iaa=0, distribute_comps=True, distribute_decomps=False),
    unverified="later patches of v10 were not read; they may unregister the algorithm",
)

BATCHING_V13 = CheckingDriver(
    name="batching-v13",
    source=f"a {_MAIN.rpartition('/')[2]} with the contents of batching v13 up to 15/22",
    defects=Defects(types_when_bound=True, keeps_unbound=True, collapses=True),
    defaults=Attributes(g_comp_wqs_per_iaa=1, distribute_comps=True, distribute_decomps=False),
    unverified="that the file which was read is exactly v13's",
)

BATCHING_V14 = CheckingDriver(
    name="batching-v14",
    source=f"{_PATCH}, batching v14 03/26",
    defects=BATCHING_V13.defects,
    defaults=BATCHING_V13.defaults,
    unverified="the patch was not read; all is assumed to be as in v13",
)

IAA_DRIVERS: dict[str, IaaDriver] = {
    each.name: each
    for each in (LINUX_6_12, LINUX_6_18, LINUX_7_3, BATCHING_V9, BATCHING_V10, BATCHING_V13, BATCHING_V14)
}
"""The versions in their order, by the name of the profile."""


def iaa_driver(name: str) -> IaaDriver:
    """Return a version by the name of its profile; "6.12" is short for "linux-6.12".

    Raises UnknownProfile, naming the versions that there are and the nearest one.
    """
    found = IAA_DRIVERS.get(name) or IAA_DRIVERS.get(f"linux-{name}")
    if found:
        return found
    near = difflib.get_close_matches(name, IAA_DRIVERS, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UnknownProfile(f"IAA driver of profile {name!r}: expected one of {', '.join(IAA_DRIVERS)}{hint}")


def selection(driver: IaaDriver) -> Select:
    """Return how a version selects the queue for a job."""
    return move_then_use if driver.cursors == 1 else use_then_move

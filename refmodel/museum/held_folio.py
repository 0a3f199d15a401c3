"""An answer of the environment that some exhibits need: somebody holds a reference to a folio."""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.vmscan import ShrinkFolio
from refmodel.machine import ChoicePoint, Next, step

FOLIO_HELD = ChoicePoint(
    "folio_held", "Somebody holds a reference to the folio that reclaim is about to free."
)


@attrs.define
class ShrinkFolioThatMayBeHeld(ShrinkFolio):
    """Reclaim one folio; a reference that somebody holds keeps it in the swap cache.

    A fault that waits for the folio's lock holds one, and so does everybody who looks at memory by frame
    number.  Reclaim then leaves the folio where it is, clean and written out (mm/vmscan.c,
    __remove_mapping(), 6.12.117).
    """

    @step
    def remove_mapping(self, v: KernelView) -> Next:
        """Take the folio out of the swap cache unless somebody holds it."""
        return self.keep_locked if v.fails(FOLIO_HELD) else ShrinkFolio.remove_mapping(self, v)

"""IAA-H16a: Linux 7.3: a job that a shared queue refuses is aborted as if it were a DMA engine's.

A job that an interrupt is to end is put on a list of its queue before it is submitted. If a shared queue refuses it at
every try, idxd takes it off the list again and completes it, in a way that is made for DMA engines: it reads the
context of a crypto request as a dmaengine descriptor, with which it shares a union. Read in the code.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_h16_aborts_foreign import SCOPE
from refmodel.museum.iaa_intended import Meant73

EXHIBIT = Exhibit(
    id="IAA-H16a",
    about=__doc__,
    source="idxd_submit_desc() and llist_abort_desc(), drivers/dma/idxd/submit.c, Linux 7.3.4",
    evidence="B",
    base="iaa-7.3",
    operations={},
    remedy={"iaa_job": Meant73},
    scope=SCOPE,
    meets="BUG",
)

"""IAA-H16: Linux 6.12: a job that a shared queue refuses is aborted as if it were a DMA engine's.

A job that an interrupt is to end is put on a list of its queue before it is submitted. If a shared queue refuses it at
every try, idxd takes it off the list again and completes it, in a way that is made for DMA engines: it reads the
context of a crypto request as a dmaengine descriptor, with which it shares a union. Read in the code. The same code
runs when a queue is disabled with jobs on its list, which IAA-H1 meets before.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import Meant612

SCOPE = """
[iaa]
queues = [{ size = 1, mode = "shared", threshold = 1 }]
sync_mode = "async_irq"
verify_compress = false

[[thread]]
name = "task"
run = ["iaa_compress(0, 2)"]

[environment]
faults = ["iaa_busy"]
"""

EXHIBIT = Exhibit(
    id="IAA-H16",
    about=__doc__,
    source="idxd_submit_desc() and llist_abort_desc(), drivers/dma/idxd/submit.c, Linux 6.12.117",
    evidence="B",
    base="iaa-6.12",
    operations={},
    remedy={"iaa_job": Meant612},
    scope=SCOPE,
    meets="BUG",
)

"""Where each invariant of the IAA driver (IAA-1 to IAA-58) is checked, or why it is not.

Those that are properties of states or commands of their own stand in ``refmodel.properties.iaa_descriptors``; what
holds for tables alone in ``refmodel.properties.iaa_tables`` and ``refmodel.properties.iaa_round_robin``.
"""

from __future__ import annotations

IN_TABLES = ("IAA-21", "IAA-22", "IAA-23", "IAA-24", "IAA-27", "IAA-28", "IAA-29", "IAA-30", "IAA-31")
"""Checked of queue tables and cursors, in their tests."""

OTHERWISE = {
    "IAA-3": "BUG: a descriptor that is freed twice stops the model, and IAA-1 and IAA-5 say whose it is.",
    "IAA-4": "IAA-7: what was taken on any path is given back, which every goal of `refmodel iaa goals` shows.",
    "IAA-10": "Tests of jobs count the attempts; the explorations bound them.",
    "IAA-13": "PROMISE: unmapping copies a bounce buffer over what the CPU wrote (exhibit IAA-H11).",
    "IAA-14": "LIVE: freed descriptors, records and sbitmaps cannot be touched (exhibit IAA-H1).",
    "IAA-15": "Tests of descriptors: a queue that is being removed takes no job through idxd.",
    "IAA-32": "PROGRESS and the form of the model: an operation has one value.",
    "IAA-35": "PROMISE, for software does what the device does not.",
    "IAA-37": "litmus iaa-error-of-a-polled-decompression.",
    "IAA-38": "litmus iaa-verify-takes-a-second-descriptor, and tests of jobs.",
    "IAA-39": "Tests of jobs: what a job in flight holds.",
    "IAA-40": "BUG: a second poll would free the descriptor twice.",
    "IAA-42": "Tests of batches: all are submitted before the first poll.",
    "IAA-43": "litmus iaa-failed-job-leaves-the-other.",
    "IAA-44": "PROMISE and the goals: one failed job at each position of a batch of 8, in both directions.",
    "IAA-45": "BUG: a batch of 9 stops the model.",
    "IAA-48": "PROGRESS: exhibit B05, a flag that stays on the request of its caller.",
    "IAA-49": "litmus iaa-task-moves-during-a-batch; the queue of a job is that of the CPU of the moment.",
    "IAA-50": "litmus iaa-attribute-while-bound, and tests of attributes.",
    "IAA-51": "Tests of jobs: a driver that is off takes none.",
    "IAA-52": "Tests of jobs: the limit of looking turns the driver off.",
    "IAA-54": "PROGRESS in every exploration; exhibit IAA-H13.",
    "IAA-55": "Tests of descriptors and of batches; exhibit IAA-H13.",
    "IAA-57": "PROGRESS: exhibit B08, litmus iaa-hold-and-wait, scope iaa-sleeping.",
    "IAA-58": "litmus iaa-two-batches-that-fit, and tests of the load.",
}
"""Invariants that something else shows, and what."""

NOT_MODELLED = {
    "IAA-18": (
        "Order of wq_lock, iaa_devices_lock and dev_lock: what they protect together is one step.  Probe and remove of "
        "one queue are kept apart by the lock of its device (__device_driver_lock(), drivers/base/dd.c), so no order "
        "of these can stop them.  The mutexes that a task holds from step to step (context, batch, deflate) are seen "
        "by PROGRESS."
    ),
}
"""Invariants that the model cannot break, because it has not got what they speak of."""

"""Profiles with IAA devices: the driver of each version under the zswap of the same version.

Pages are compressed and decompressed through the queues where the compressor of a pool is the device's.  Versions are
as written; what is known to be wrong in one is an exhibit of the museum, whose remedy says what was intended.
"""

from __future__ import annotations

from typing import Any

import attrs

from refmodel.kernel import (
    iaa_acomp,
    iaa_batch,
    iaa_bind,
    iaa_call,
    iaa_engine,
    iaa_job,
    iaa_poll,
    iaa_sleep,
    iaa_verify,
    iaa_zswap,
)
from refmodel.kernel.iaa_config import IaaOptions
from refmodel.profiles import iaa
from refmodel.profiles.batching import BATCHING_V8, BATCHING_V9, BATCHING_V13, BATCHING_V14
from refmodel.profiles.linux import LINUX_6_12, LINUX_7_3
from refmodel.profiles.profile import Profile

COMP_TRIES = 1000
"""Attempts to get a descriptor for a compression (IAA_ALLOC_DESC_COMP_TIMEOUT, batching v6 to v14)."""

DECOMP_TRIES = 500
"""Attempts for a decompression and for a verification (IAA_ALLOC_DESC_DECOMP_TIMEOUT)."""

DYNAMIC_TRIES = 2000
"""Attempts for a compression in dynamic mode (IAA_DYN_ALLOC_DESC_COMP_TIMEOUT, batching v13)."""

_SERIES = IaaOptions(
    driver=iaa.BATCHING_V9,
    comp_tries=COMP_TRIES,
    decomp_tries=DECOMP_TRIES,
    sync_mode="async",
    verify_compress=False,
)

_DEVICE = {
    "iaa_call": iaa_call.IaaCall,
    "iaa_sleep": iaa_sleep.IaaSleep,
    "iaa_verify": iaa_verify.IaaVerify,
    "iaa_interrupt": iaa_poll.IaaInterrupt,
    "iaa_engine_begin": iaa_engine.IaaEngineBegin,
    "iaa_engine_end": iaa_engine.IaaEngineEnd,
    "iaa_bind": iaa_bind.IaaBind,
    "iaa_unbind": iaa_bind.IaaUnbind,
    "iaa_attribute": iaa_bind.IaaAttribute,
}


def _with_driver(before: Profile, name: str, summary: str, options: IaaOptions, **classes: Any) -> Profile:
    """Return a profile with a driver; what stays broken in the one before it is known of this one, too."""
    return attrs.evolve(
        before,
        name=name,
        base=before.name,
        parts=(before.name,),
        summary=summary,
        operations=attrs.evolve(before.operations, **{**_DEVICE, **classes}),
        options=attrs.evolve(before.options, iaa=options),
    )


IAA_6_12 = _with_driver(
    LINUX_6_12,
    "iaa-6.12",
    "IAA in Linux 6.12.117: jobs sleep for a descriptor, errors go upward, removal waits for nobody.",
    IaaOptions(driver=iaa.LINUX_6_12, comp_tries=0, decomp_tries=0, sync_mode="sync", verify_compress=True),
    iaa_job=iaa_job.IaaJob612,
    zswap_compress=iaa_zswap.ZswapCompressIaa612,
    zswap_decompress=iaa_zswap.ZswapDecompressIaa612,
)

IAA_7_3 = _with_driver(
    LINUX_7_3,
    "iaa-7.3",
    "IAA in Linux 7.3.4: software for what cannot be mapped, a limit for looking at a record.",
    IaaOptions(driver=iaa.LINUX_7_3, comp_tries=0, decomp_tries=0, sync_mode="sync", verify_compress=True),
    iaa_job=iaa_job.IaaJob73,
    zswap_compress=iaa_zswap.ZswapCompressIaa73,
    zswap_decompress=iaa_zswap.ZswapDecompressIaa73,
)

IAA_V8 = _with_driver(
    BATCHING_V8,
    "iaa-v8",
    "IAA in batching v8: batches are chains of requests; a job tries so many times to get a descriptor.",
    _SERIES,
    iaa_job=iaa_job.IaaJobV9,
    iaa_poll=iaa_poll.IaaPollV9,
    iaa_batch=iaa_batch.IaaChain,
    iaa_call_batch=iaa_call.IaaCallBatch,
    iaa_bind=iaa_bind.IaaBindV9,
    iaa_unbind=iaa_bind.IaaUnbindV9,
    iaa_attribute=iaa_bind.IaaAttributeV9,
    acomp_compress=iaa_acomp.AcompIaaChained,
    zswap_decompress=iaa_zswap.ZswapDecompressIaa618,
)
"""Its driver was not read in full: tables and jobs are assumed to be those of v9 (UNVERIFIED)."""

IAA_V5 = attrs.evolve(
    IAA_V8,
    name="iaa-v5",
    parts=(BATCHING_V8.name, IAA_V8.name),
    summary="IAA in batching v5: the jobs of a batch sleep for their descriptors.",
    options=attrs.evolve(IAA_V8.options, iaa=attrs.evolve(_SERIES, comp_tries=0, decomp_tries=0)),
)
"""What hangs (IAA-H26): the driver of v8 with the allocation of v5, under the zswap of v8."""

IAA_V9 = _with_driver(
    BATCHING_V9,
    "iaa-v9",
    "IAA in batching v9: submit all, then poll; whatever is not in flight then has failed.",
    _SERIES,
    iaa_job=iaa_job.IaaJobV9,
    iaa_poll=iaa_poll.IaaPollV9,
    iaa_batch=iaa_batch.IaaBatchV9,
    iaa_call_batch=iaa_call.IaaCallBatch,
    iaa_bind=iaa_bind.IaaBindV9,
    iaa_unbind=iaa_bind.IaaUnbindV9,
    iaa_attribute=iaa_bind.IaaAttributeV9,
    acomp_compress=iaa_acomp.AcompIaa,
    zswap_decompress=iaa_zswap.ZswapDecompressIaa73,
)

IAA_V13 = _with_driver(
    BATCHING_V13,
    "iaa-v13",
    "IAA in batching v13: one store submits a job, removal waits for jobs, decompression ends in software.",
    attrs.evolve(_SERIES, driver=iaa.BATCHING_V13),
    iaa_job=iaa_job.IaaJobV13,
    iaa_verify=iaa_verify.IaaVerifyV13,
    iaa_poll=iaa_poll.IaaPoll,
    iaa_interrupt=iaa_poll.IaaInterruptV13,
    iaa_batch=iaa_batch.IaaBatchV13,
    iaa_call_batch=iaa_call.IaaCallBatch,
    iaa_bind=iaa_bind.IaaBindV9,
    iaa_unbind=iaa_bind.IaaUnbindV13,
    iaa_attribute=iaa_bind.IaaAttributeV9,
    acomp_compress=iaa_acomp.AcompIaa,
    zswap_decompress=iaa_zswap.ZswapDecompressIaa73,
)

IAA_V13_DYNAMIC = attrs.evolve(
    IAA_V13,
    name="iaa-v13-dynamic",
    base=IAA_V13.name,
    parts=(BATCHING_V13.name, IAA_V13.name),
    summary="IAA in the dynamic mode of batching v13: twice the tries, no more than a page for the device.",
    options=attrs.evolve(
        IAA_V13.options,
        iaa=attrs.evolve(_SERIES, driver=iaa.BATCHING_V13, comp_tries=DYNAMIC_TRIES, dynamic=True),
    ),
)
"""Granite Rapids; without such a device the algorithm deflate-iaa-dynamic is not there."""

_ZSWAP = ("acomp_compress", "zswap_decompress")
"""What zswap does through the queues where it stores in batches."""

IAA_V14 = attrs.evolve(
    IAA_V13,
    name="iaa-v14",
    base=BATCHING_V14.name,
    parts=(BATCHING_V14.name,),
    summary="IAA in batching v14: a hook of the driver polls; who polls gets no interrupt.",
    operations=attrs.evolve(
        BATCHING_V14.operations,
        **{name: getattr(IAA_V13.operations, name) for name in (*_DEVICE, "iaa_call_batch", *_ZSWAP)},
        iaa_job=iaa_job.IaaJobV14,
        iaa_poll=iaa_poll.IaaPollV14,
        iaa_batch=iaa_batch.IaaBatchV14,
    ),
    options=attrs.evolve(BATCHING_V14.options, iaa=attrs.evolve(_SERIES, driver=iaa.BATCHING_V14)),
)

IAA_V14_HALT = attrs.evolve(
    IAA_V14,
    name="iaa-v14-halt",
    base=IAA_V14.name,
    parts=(BATCHING_V14.name, IAA_V14.name),
    summary="IAA in batching v14 with devices that may halt.",
    operations=attrs.evolve(IAA_V14.operations, iaa_halt=iaa_engine.IaaHalt),
)
"""Apart, because a device that halts ends all that the others promise: nothing ends a poll then (IAA-H13)."""

_ALL = (IAA_6_12, IAA_7_3, IAA_V5, IAA_V8, IAA_V9, IAA_V13, IAA_V13_DYNAMIC, IAA_V14, IAA_V14_HALT)

IAA_PROFILES: dict[str, Profile] = {each.name: each for each in _ALL}
"""The drivers in their order, by the name of the profile."""

"""IAA drivers of the past, whose defects were seen in use and fixed."""

from __future__ import annotations

import attrs

from refmodel.profiles.iaa import LINUX_6_12

I02 = attrs.evolve(
    LINUX_6_12,
    name="linux-6.8",
    source="drivers/crypto/intel/iaa/iaa_crypto_main.c, before 5a7e89d3315d (CVE-2024-26945)",
    defects=attrs.evolve(LINUX_6_12.defects, divides_by_zero=True),
)
"""More devices than CPUs, as in a machine that was booted with one CPU: the share of a device is 0, and the count of
CPUs is taken modulo the share.  The second device to come divides by zero."""

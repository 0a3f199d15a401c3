"""Controls: what is written to parameter and cgroup files, and what the kernel answers."""

from __future__ import annotations

import errno

import pytest

from refmodel.kernel import choices
from refmodel.kernel.controls import PAGE_COUNTER_MAX, parse_bool, parse_pages, parse_uint
from refmodel.kernel.state import UNSET, ZswapParams
from refmodel.machine import ChoicePoint, evolve
from refmodel.profiles import preset, profile
from tests.kernel.toy import KERNELS, Toy

LAZY_KERNELS = KERNELS[1:]
"""Kernels that set zswap up when somebody enables it."""

CONTROLS = ("zswap.max", "zswap.writeback", "swap.max")


def params(toy: Toy) -> ZswapParams:
    """Return the parameters."""
    return toy.v[toy.v.at.zswap]


def write(toy: Toy, name: str, value: str) -> int:
    """Write a module parameter and return the answer."""
    answer: int = toy.run(toy.ops.set_param(name=name, value=value))
    return answer


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("20", 20),
        ("0", 0),
        ("+7\n", 7),
        ("0x1F", 31),
        ("010", 8),
        ("4294967295", 2**32 - 1),
        ("4294967296", -errno.ERANGE),
        ("-1", -errno.EINVAL),
        ("", -errno.EINVAL),
        (" 5", -errno.EINVAL),
        ("5%", -errno.EINVAL),
        ("09", -errno.EINVAL),
        ("1_000", -errno.EINVAL),
    ],
)
def test_unsigned_numbers_are_read_as_the_kernel_reads_them(text: str, number: int) -> None:
    """Decimal, hexadecimal, octal, one newline; nothing else."""
    assert parse_uint(text) == number


@pytest.mark.parametrize("text", ["Y", "yes\n", "1", "on", "On", "t"])
def test_words_that_switch_on(text: str) -> None:
    """The beginning of the word decides."""
    assert parse_bool(text) is True


@pytest.mark.parametrize("text", ["N", "no", "0", "off", "false"])
def test_words_that_switch_off(text: str) -> None:
    """The beginning of the word decides."""
    assert parse_bool(text) is False


@pytest.mark.parametrize("text", ["", "o", "2", "enable", " Y"])
def test_words_that_are_no_switch(text: str) -> None:
    """They are refused."""
    assert parse_bool(text) is None


@pytest.mark.parametrize(
    ("text", "pages"),
    [
        ("max", None),
        (" max\n", None),
        ("0", 0),
        ("4095", 0),
        ("12288", 3),
        ("9000", 2),
        ("8K", 2),
        ("1m", 256),
        ("0x2000", 2),
        ("", 0),
        ("K", 0),
        ("7E", 7 * 2**60 // 4096),
        (str(PAGE_COUNTER_MAX * 4096), None),
        ("-4096", -errno.EINVAL),
        ("Max", -errno.EINVAL),
        ("4096 B", -errno.EINVAL),
        ("08", -errno.EINVAL),
    ],
)
def test_limits_are_whole_pages(text: str, pages: int | None) -> None:
    """Bytes with a suffix, rounded down to pages; the largest number is no limit."""
    assert parse_pages(text) == pages


@pytest.mark.parametrize("kernel", KERNELS)
def test_shares_of_memory_are_taken_as_they_are(kernel: str) -> None:
    """Even above 100 percent: the parameters are plain unsigned numbers."""
    toy = Toy(kernel)

    assert write(toy, "max_pool_percent", "1") == 0
    assert write(toy, "accept_threshold_percent", "200\n") == 0
    assert (params(toy).max_pool_percent, params(toy).accept_threshold_percent) == (1, 200)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("max_pool_percent", "-1", errno.EINVAL),
        ("accept_threshold_percent", "many", errno.EINVAL),
        ("max_pool_percent", "4294967296", errno.ERANGE),
        ("enabled", "perhaps", errno.EINVAL),
        ("nonesuch", "1", errno.ENOENT),
        ("compressor", "nonesuch", errno.ENOENT),
    ],
)
def test_what_cannot_be_read_changes_nothing(kernel: str, name: str, value: str, error: int) -> None:
    """The write fails, the parameter keeps its value."""
    toy = Toy(kernel)
    before = toy.v.snapshot()

    assert write(toy, name, value) == -error
    assert toy.v.snapshot() == before


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_dynamic_shrinker_has_a_switch_from_6_12_on(kernel: str) -> None:
    """6.1 has neither the shrinker nor the parameter."""
    toy = Toy(kernel)
    there = kernel != "linux-6.1"

    assert write(toy, "shrinker_enabled", "Y") == (0 if there else -errno.ENOENT)
    assert params(toy).shrinker_enabled == there
    assert write(toy, "shrinker_enabled", "?") == (-errno.EINVAL if there else -errno.ENOENT)


@pytest.mark.parametrize("kernel", KERNELS)
def test_pools_are_switched_through_their_parameters(kernel: str) -> None:
    """The allocator is a parameter to 6.12; later kernels have zsmalloc alone."""
    toy = Toy(kernel)
    there = kernel in KERNELS[:2]

    assert write(toy, "compressor", "zstd") == 0
    assert write(toy, "zpool", "zbud") == (0 if there else -errno.ENOENT)
    assert (params(toy).compressor, params(toy).zpool) == ("zstd", "zbud" if there else "zsmalloc")


@pytest.mark.parametrize("kernel", KERNELS)
def test_disabling_leaves_what_is_stored(kernel: str) -> None:
    """Loads go on; a page that is swapped out again leaves zswap (I-11)."""
    toy = Toy(kernel)
    for page in range(2):
        toy.write(page, f"page {page}")
    toy.out(0, 2)
    assert write(toy, "enabled", "N") == 0

    assert toy.v[toy.v.at.zs.stored_pages] == 2
    assert toy.read(0) == "page 0"
    toy.write(0, "again 0")
    toy.out(0)
    assert toy.slot(0)
    assert toy.v[toy.v.at.tree[toy.slot(0)]] == 0
    assert toy.read(0) == "again 0"


@pytest.mark.parametrize("kernel", LAZY_KERNELS)
def test_enabling_the_first_time_sets_zswap_up(kernel: str) -> None:
    """A pool is created; from then on loads look into zswap."""
    toy = Toy(kernel, zswap_enabled=False, initial_pool=False)
    assert (params(toy).init, params(toy).ever_enabled) == ("uninit", False)

    assert write(toy, "enabled", "Y") == 0
    assert toy.v[toy.v.at.pool_list] == (1,)
    assert evolve(params(toy), max_pool_percent=20) == ZswapParams(True, "lzo", "zsmalloc")
    toy.write(0, "page 0")
    toy.out(0)
    assert toy.v[toy.v.at.zs.stored_pages] == 1
    assert toy.read(0) == "page 0"


@pytest.mark.parametrize("kernel", LAZY_KERNELS)
def test_even_switching_it_off_sets_zswap_up(kernel: str) -> None:
    """The set-up comes before the value is looked at."""
    toy = Toy(kernel, zswap_enabled=False, initial_pool=False)

    assert write(toy, "enabled", "N") == 0
    assert toy.v[toy.v.at.pool_list] == (1,)
    assert not params(toy).enabled


@pytest.mark.parametrize("kernel", LAZY_KERNELS)
def test_a_set_up_that_fails_is_final(kernel: str) -> None:
    """It can never be enabled after that."""
    toy = Toy(kernel, zswap_enabled=False, initial_pool=False)
    toy.fail(choices.ZSWAP_SETUP)

    assert write(toy, "enabled", "Y") == -errno.ENODEV
    assert write(toy, "enabled", "Y") == -errno.ENODEV
    assert write(toy, "compressor", "zstd") == -errno.ENODEV
    assert (params(toy).init, toy.v[toy.v.at.pool_list]) == ("failed", ())


@pytest.mark.parametrize("kernel", LAZY_KERNELS)
@pytest.mark.parametrize(
    ("point", "nth"), [(choices.ALLOC_POOL, 1), (choices.ALLOC_CTX, 2), (choices.ALLOC_POOL, 3)]
)
def test_without_the_first_pool_a_compressor_must_come_before_enabling(
    kernel: str, point: ChoicePoint, nth: int
) -> None:
    """-ENODEV until a compressor is written; what is stored then is found again (Z30, H-2)."""
    toy = Toy(kernel, zswap_enabled=False, initial_pool=False)
    toy.fail(point, nth)

    assert write(toy, "enabled", "Y") == -errno.ENODEV
    assert write(toy, "enabled", "N") == -errno.ENODEV
    assert (params(toy).init, params(toy).has_pool) == ("succeeded", False)
    assert write(toy, "compressor", "lzo") == 0
    assert write(toy, "enabled", "Y") == 0
    toy.write(0, "page 0")
    toy.out(0)
    assert toy.v[toy.v.at.zs.stored_pages] == 1
    assert toy.read(0) == "page 0"


def test_6_1_is_set_up_at_boot() -> None:
    """Without a pool it failed to make one: enabling is -ENODEV until a compressor is written."""
    toy = Toy("linux-6.1", zswap_enabled=False, initial_pool=False)
    assert params(toy).init == "succeeded"

    assert write(toy, "enabled", "Y") == -errno.ENODEV
    assert write(toy, "compressor", "lzo") == 0
    assert write(toy, "enabled", "Y") == 0


@pytest.mark.parametrize("kernel", LAZY_KERNELS)
def test_unknown_names_are_replaced_by_the_defaults_at_the_set_up(kernel: str) -> None:
    """The compressor was never checked before."""
    toy = Toy(kernel, zswap_enabled=False, initial_pool=False, compressor="nonesuch")

    assert write(toy, "enabled", "Y") == 0
    assert params(toy).compressor == "lzo"


@pytest.mark.parametrize("kernel", LAZY_KERNELS)
def test_without_the_default_there_is_no_first_pool(kernel: str) -> None:
    """The parameter is unset then."""
    made = profile(kernel)
    config = made.config(preset("toy"), {}, compressor="nonesuch", zswap_enabled=False, initial_pool=False)
    toy = Toy(kernel)
    toy.v = made.system(config)

    assert write(toy, "enabled", "Y") == -errno.ENODEV
    assert params(toy).compressor == UNSET


def test_a_system_that_cannot_be_is_refused() -> None:
    """Without a pool zswap cannot be enabled, and a pool needs an allocator that exists."""
    made = profile("linux-6.12")

    with pytest.raises(ValueError, match="without initial_pool"):
        made.config(preset("toy"), initial_pool=False)
    with pytest.raises(ValueError, match="zpool 'z3fold': expected one of zsmalloc, zbud"):
        made.config(preset("toy"), zpool="z3fold")


@pytest.mark.parametrize("kernel", KERNELS)
def test_cgroup_limits_are_set_in_pages(kernel: str) -> None:
    """Bytes are written, pages are kept; "max" takes the limit away."""
    toy = Toy(kernel)

    assert toy.run(toy.ops.set_memcg(memcg=1, control="zswap.max", value="9000")) == 0
    assert toy.run(toy.ops.set_memcg(memcg=1, control="swap.max", value="4K")) == 0
    memcg = toy.v[toy.v.at.memcg[1]]
    assert (memcg.zswap_max, memcg.swap_max) == (2, 1)
    assert toy.run(toy.ops.set_memcg(memcg=1, control="zswap.max", value="max")) == 0
    assert toy.v[toy.v.at.memcg[1]].zswap_max is None


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_limit_of_zero_keeps_pages_out_of_zswap(kernel: str) -> None:
    """They go to the device."""
    toy = Toy(kernel)
    toy.run(toy.ops.set_memcg(memcg=1, control="zswap.max", value="0"))
    toy.write(0, "page 0")
    toy.out(0)

    assert toy.v[toy.v.at.zs.stored_pages] == 0
    assert toy.v[toy.v.at.device[toy.slot(0)]] == "page 0"


@pytest.mark.parametrize("kernel", KERNELS)
def test_writeback_can_be_forbidden_from_6_12_on(kernel: str) -> None:
    """Only 0 and 1 are accepted, also in the root."""
    toy = Toy(kernel)
    if kernel == "linux-6.1":
        assert toy.run(toy.ops.set_memcg(memcg=1, control="zswap.writeback", value="0")) == -errno.ENOENT
        return

    for value, error in (("0", 0), ("2", errno.EINVAL), ("-1", errno.EINVAL), ("y", errno.EINVAL)):
        assert toy.run(toy.ops.set_memcg(memcg=1, control="zswap.writeback", value=value)) == -error
        assert not toy.v[toy.v.at.memcg[1]].zswap_writeback
    assert toy.run(toy.ops.set_memcg(memcg=1, control="zswap.writeback", value="2147483648")) == -errno.ERANGE
    assert toy.run(toy.ops.set_memcg(memcg=1, control="zswap.writeback", value=" 1\n")) == 0
    assert toy.v[toy.v.at.memcg[1]].zswap_writeback
    assert toy.run(toy.ops.set_memcg(memcg=0, control="zswap.writeback", value="0")) == 0


@pytest.mark.parametrize("kernel", KERNELS)
def test_files_that_do_not_exist(kernel: str) -> None:
    """The root has no limits, a dead cgroup has no files."""
    toy = Toy(kernel)
    before = toy.v.snapshot()
    for memcg, control in ((0, "zswap.max"), (0, "swap.max"), (1, "nonesuch")):
        assert toy.run(toy.ops.set_memcg(memcg=memcg, control=control, value="0")) == -errno.ENOENT
    assert toy.run(toy.ops.set_memcg(memcg=1, control="swap.max", value="few")) == -errno.EINVAL
    assert toy.v.snapshot() == before

    toy.run(toy.ops.memcg_offline(memcg=1))
    for control in CONTROLS:
        assert toy.run(toy.ops.set_memcg(memcg=1, control=control, value="1")) == -errno.ENOENT


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_policy_decides_where_later_pages_come_from(kernel: str) -> None:
    """Pages that exist stay; without a policy any node is possible; a node must exist."""
    toy = Toy(kernel)
    toy.write(0, "page 0")
    assert toy.run(toy.ops.bind(process=0, nid=1)) == 0
    toy.write(1, "page 1")

    folios = [toy.v[toy.v.at.folio[toy.v[place].folio]] for place in toy.v.at.pte[0][:2]]
    assert [folio.nid for folio in folios if folio is not None] == [0, 1]
    assert toy.run(toy.ops.bind(process=0, nid=2)) == -errno.EINVAL
    assert toy.v[toy.v.at.policy[0]] == 1
    assert toy.run(toy.ops.bind(process=0, nid=None)) == 0
    assert toy.v[toy.v.at.policy[0]] is None


@pytest.mark.parametrize("kernel", KERNELS)
def test_large_folios_are_allowed_by_order(kernel: str) -> None:
    """From 6.12 on each order has a control, 6.1 has large folios of 2 MiB alone."""
    toy = Toy(kernel)
    there = kernel != "linux-6.1"

    assert toy.run(toy.ops.set_thp(order=2, on=True)) == (0 if there else -errno.ENOENT)
    assert toy.v[toy.v.at.thp_orders] == (0b100 if there else 0)
    for order in (0, 1, 3):
        assert toy.run(toy.ops.set_thp(order=order, on=True)) == -errno.ENOENT
    toy.run(toy.ops.set_thp(order=2, on=False))
    assert toy.v[toy.v.at.thp_orders] == 0

"""Compressors and page contents, as the operations of zswap see them.

Stands for the part of the kernel's crypto layer that ``zswap_compress`` and ``zswap_decompress`` call:
one page goes in, with an offered destination of PAGE_SIZE bytes, and a length or an errno comes out
(``crypto/scompress.c``, ``crypto/zstd.c``, ``crypto/deflate.c``, ``crypto/lz4.c``, ``crypto/lzo.c``).
Requests, scratch buffers and per-CPU contexts are not here.

A page content is an opaque hashable. No operation knows which of the two kinds it handles:

* bytes of PAGE_SIZE, compressed by a real compressor (`Zstd`, `Deflate`, `DeflateIaa`, `Lz4`) or with
  the lengths that a kernel reported (`Recorded`);
* tokens, small values for exploration (`Symbolic`). The token 0 is the page of zeroes, a negative
  integer is the page that repeats the 64-bit word -token, every other token is an ordinary page.
"""

from __future__ import annotations

import re
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from errno import E2BIG, EINVAL, ENOSPC
from functools import cache, lru_cache
from types import MappingProxyType
from typing import ClassVar, Final, NamedTuple, Protocol, TypeAlias

import attrs
import lz4.block
import zstandard

from refmodel.kernel.config import PAGE_SIZE

ZERO_PAGE: Final = bytes(PAGE_SIZE)
"""The page of zeroes as bytes."""

LONGEST: Final = 2 * PAGE_SIZE
"""Bytes that a page can become at most: what zswap gives room for as long as compressors may write more than a page."""

_WORD_SIZE: Final = 8
_REMEMBERED_PAGES: Final = 1024


@attrs.frozen
class Compressed:
    """A page that the compressor made fit into the destination.

    length: bytes of the result, 1 to PAGE_SIZE; this is what the pool stores and the memcg is charged.
    data: what `Codec.decompress` needs: the compressed bytes, or the content itself where only the
        length is modelled.
    """

    length: int
    data: Hashable


@attrs.frozen
class CompressError:
    """A page that the compressor gave back with an error.

    errno: positive number from the ``errno`` module. zswap counts ENOSPC as poor compression and
        every other one as a failure of the compressor.
    """

    errno: int


@attrs.frozen
class Overlong(CompressError):
    """A page that became longer, from a compressor that does not look at how much it was offered: it writes all of it.

    So did lzo before 6.15, and so may a device; others stop at the end of what they were offered.

    errno: ENOSPC, which the crypto layer makes of it when it sees the length.
    length: bytes that are written, PAGE_SIZE + 1 to `LONGEST`.
    """

    length: int


Outcome: TypeAlias = Compressed | CompressError


class CorruptData(Exception):
    """Stored data does not decompress to a page.

    No compressed page carries a checksum: damage may also pass unnoticed and give other bytes. This is
    the damage that the decompressor notices. Linux 6.12 stops with BUG; 7.3 answers -EIO and keeps the
    entry (``mm/zswap.c``, ``zswap_decompress``).
    """


class Codec(Protocol):
    """A compression algorithm: a pure function of the page content."""

    @property
    def name(self) -> str:
        """The kernel's name of the algorithm, as written to the zswap parameter ``compressor``."""

    @property
    def batch_size(self) -> int:
        """Pages that its driver takes in one call (crypto_acomp_batch_size), 1 where it has no batches."""

    def outcomes(self, content: Hashable) -> tuple[Outcome, ...] | None:
        """Return the possible results of compressing ``content``, all different.

        The normal result comes first, faults follow. None means that only the environment knows the
        result, for example a recorded trace.
        """

    def decompress(self, data: Hashable) -> Hashable:
        """Return the content that was compressed to ``data``.

        Raises CorruptData when ``data`` does not decompress to a page.
        """


class _RealCodec(ABC):
    """What the real compressors share: the limit of one page, the fault, the checks and a memory.

    Results are remembered because a run compresses the same few pages again and again. A remembered
    page costs about 0.5 microseconds instead of 5 (lz4) to 110 (deflate). Compression is a pure
    function, so the memory cannot be observed.
    """

    __slots__ = ()

    name: ClassVar[str]
    batch_size: ClassVar[int] = 1

    @property
    @abstractmethod
    def too_long(self) -> int:
        """The errno for a page whose compressed form is longer than a page."""

    @abstractmethod
    def compress_page(self, page: bytes) -> bytes:
        """Return the compressed form of ``page``, however long it is."""

    @abstractmethod
    def expand(self, data: bytes) -> bytes:
        """Return the decompressed form of ``data``; the library's own error when there is none."""

    def outcomes(self, content: Hashable) -> tuple[Outcome, ...]:
        """Return the library's result for a page of bytes, then the fault: the compressor refuses (EINVAL).

        A page that normally ends in EINVAL has that one outcome. Raises TypeError when ``content`` is
        no page of bytes.
        """
        return _outcomes(self, content)

    def decompress(self, data: Hashable) -> bytes:
        """Return the page of bytes. Raises CorruptData when ``data`` does not expand to PAGE_SIZE bytes."""
        return _decompressed(self, data)


@lru_cache(maxsize=_REMEMBERED_PAGES)
def _outcomes(codec: _RealCodec, content: Hashable) -> tuple[Outcome, ...]:
    if not isinstance(content, bytes) or len(content) != PAGE_SIZE:
        raise TypeError(
            f"{codec.name} compresses pages of {PAGE_SIZE} bytes, found {_described(content)}; "
            "tokens need a Symbolic or a Recorded codec"
        )
    data = codec.compress_page(content)
    normal = Compressed(len(data), data) if len(data) <= PAGE_SIZE else CompressError(codec.too_long)
    refused = CompressError(EINVAL)
    return (normal,) if normal == refused else (normal, refused)


@lru_cache(maxsize=_REMEMBERED_PAGES)
def _decompressed(codec: _RealCodec, data: Hashable) -> bytes:
    hint = "look for a stale handle, a damaged object or a pool of another compressor"
    if not isinstance(data, bytes):
        raise CorruptData(f"{codec.name} decompresses bytes, found {_described(data)}; {hint}")
    try:
        page = codec.expand(data)
    except (zlib.error, zstandard.ZstdError, lz4.block.LZ4BlockError) as error:
        raise CorruptData(f"{codec.name} cannot decompress {len(data)} bytes ({error}); {hint}") from error
    if len(page) != PAGE_SIZE:
        raise CorruptData(
            f"{codec.name} expanded {len(data)} bytes to {len(page)}, expected {PAGE_SIZE}; {hint}"
        )
    return page


def _described(value: Hashable) -> str:
    return f"{len(value)} bytes" if isinstance(value, bytes) else f"the token {value!r}"


def _release(kernel: str) -> tuple[int, int]:
    """Return the release of a kernel version: "6.12" and "6.12.117" give (6, 12)."""
    match = re.fullmatch(r"(\d+)\.(\d+)(\.\d+)?", kernel)
    if match is None:
        raise ValueError(f"kernel version {kernel!r} is not of the form '6.12' or '6.12.117'")
    return int(match[1]), int(match[2])


def _names_a_release(codec: object, attribute: attrs.Attribute[str], kernel: str) -> None:
    _release(kernel)


@attrs.frozen
class Zstd(_RealCodec):
    """The kernel's zstd at its fixed level 3.

    Up to 6.16 the parameters are those for an unknown source size. From 6.17 on ("crypto: zstd -
    convert to acomp") they are those for 256 KiB, which compress a page as plain level 3 does. A frame
    has the content size and no checksum.

    Bytes and lengths are those of the zstd library in use. Release 1.5.7 with the parameters of 6.12
    gives 1003 of 1500 pages byte for byte as ``lib/zstd`` of 6.12.117 does, which is 1.5.2; the lengths
    of the others differ by at most 18 bytes.

    kernel: version, for example "6.12". Raises ValueError when it is none.

    Source: ``crypto/zstd.c``, 6.12 and 6.17.
    """

    kernel: str = attrs.field(default="6.12", validator=_names_a_release)

    name: ClassVar[str] = "zstd"

    @property
    def too_long(self) -> int:
        """EINVAL, the answer to every error of the library (recorded on 6.12.117)."""
        return EINVAL

    def compress_page(self, page: bytes) -> bytes:
        """Return one zstd frame."""
        return _zstd_compressor(source_size_known=_release(self.kernel) >= (6, 17)).compress(page)

    def expand(self, data: bytes) -> bytes:
        """Return the content of one frame. Raises ZstdError for anything else."""
        # The library would allocate whatever size a damaged header announces.
        announced = zstandard.frame_content_size(data)
        if announced != PAGE_SIZE:
            raise zstandard.ZstdError(f"the frame announces {announced} bytes")
        return _zstd_decompressor().decompress(data, allow_extra_data=False)


@cache
def _zstd_compressor(*, source_size_known: bool) -> zstandard.ZstdCompressor:
    if source_size_known:
        return zstandard.ZstdCompressor(level=3)
    parameters = zstandard.ZstdCompressionParameters(
        window_log=21,
        chain_log=16,
        hash_log=17,
        search_log=1,
        min_match=5,
        target_length=0,
        strategy=zstandard.STRATEGY_DFAST,
        write_content_size=True,
        write_checksum=False,
        write_dict_id=False,
    )
    return zstandard.ZstdCompressor(compression_params=parameters)


@cache
def _zstd_decompressor() -> zstandard.ZstdDecompressor:
    return zstandard.ZstdDecompressor()


@attrs.frozen
class Deflate(_RealCodec):
    """The kernel's software deflate: raw stream, default level, window of 2 KiB.

    Bytes equal the kernel's (1500 of 1500 pages against ``lib/zlib_deflate`` of 6.12.117).

    kernel: version, for example "6.12". Raises ValueError when it is none.

    Source: ``crypto/deflate.c``, 6.12 and 6.16.
    """

    kernel: str = attrs.field(default="6.12", validator=_names_a_release)

    name: ClassVar[str] = "deflate"

    @property
    def too_long(self) -> int:
        """EINVAL up to 6.15 (recorded on 6.12.117), then ENOSPC ("crypto: deflate - Convert to acomp")."""
        return EINVAL if _release(self.kernel) < (6, 16) else ENOSPC

    def compress_page(self, page: bytes) -> bytes:
        """Return one raw deflate stream."""
        return _deflated(page, level=6, window_bits=11, strategy=zlib.Z_DEFAULT_STRATEGY)

    def expand(self, data: bytes) -> bytes:
        """Return the content of one raw deflate stream. Raises zlib.error for anything else."""
        return _inflated(data, window_bits=11)


@attrs.frozen
class DeflateIaa(_RealCodec):
    """The shape of Intel IAA's deflate in fixed mode: fixed Huffman codes, window of 4 KiB.

    The stream is ordinary deflate, but the hardware finds other matches: lengths are an estimate.

    Source: ``drivers/crypto/intel/iaa/iaa_crypto_main.c``, 6.12.
    """

    name: ClassVar[str] = "deflate-iaa"
    batch_size: ClassVar[int] = 8  # IAA_CRYPTO_MAX_BATCH_SIZE, zswap compression batching v14

    @property
    def too_long(self) -> int:
        """E2BIG: ``check_completion`` maps "the output does not fit" to it."""
        return E2BIG

    def compress_page(self, page: bytes) -> bytes:
        """Return one raw deflate stream of fixed blocks."""
        return _deflated(page, level=9, window_bits=12, strategy=zlib.Z_FIXED)

    def expand(self, data: bytes) -> bytes:
        """Return the content of one raw deflate stream. Raises zlib.error for anything else."""
        return _inflated(data, window_bits=12)


class DeflateIaaDynamic(DeflateIaa):
    """The shape of IAA's deflate in dynamic mode: the device builds Huffman tables of its own for each page.

    Granite Rapids.  Decompression takes either mode.

    Source: zswap compression batching v13 17/22.
    """

    name: ClassVar[str] = "deflate-iaa-dynamic"

    def compress_page(self, page: bytes) -> bytes:
        """Return one raw deflate stream, of whatever blocks are shortest."""
        return _deflated(page, level=9, window_bits=12, strategy=zlib.Z_DEFAULT_STRATEGY)


# zlib takes a negative number of window bits for a raw stream, without header and checksum.
def _deflated(page: bytes, *, level: int, window_bits: int, strategy: int) -> bytes:
    stream = zlib.compressobj(level, zlib.DEFLATED, -window_bits, zlib.DEF_MEM_LEVEL, strategy)
    return stream.compress(page) + stream.flush()


def _inflated(data: bytes, *, window_bits: int) -> bytes:
    stream = zlib.decompressobj(-window_bits)
    page = stream.decompress(data, PAGE_SIZE + 1)
    if not stream.eof:
        raise zlib.error(f"no end of stream after {len(page)} bytes of output")
    return page


@attrs.frozen
class Lz4(_RealCodec):
    """LZ4 blocks without a size header.

    Lengths are near the kernel's, not equal: ``lib/lz4`` is an older release that finds other matches
    (mean 0.8 % apart over 1500 pages, one page by 309 bytes).

    Source: ``crypto/lz4.c``, 6.12.
    """

    name: ClassVar[str] = "lz4"

    @property
    def too_long(self) -> int:
        """EINVAL, the answer to a result of 0 from ``LZ4_compress_default`` (recorded on 6.12.117)."""
        return EINVAL

    def compress_page(self, page: bytes) -> bytes:
        """Return one LZ4 block."""
        block: bytes = lz4.block.compress(page, store_size=False)
        return block

    def expand(self, data: bytes) -> bytes:
        """Return the content of one LZ4 block. Raises LZ4BlockError for anything else."""
        page: bytes = lz4.block.decompress(data, uncompressed_size=PAGE_SIZE)
        return page


@attrs.frozen
class Recorded:
    """A compressor of which only recorded lengths are known, such as the lzo of the traces.

    The environment that replays the record makes the `Compressed`: the recorded length, with the
    content itself as data.

    What lzo answers to an incompressible page: EINVAL (recorded on 6.12.117, 6.18.15 and 7.3.4). Before
    "crypto: lzo - Fix compression buffer overrun" (6.15, 6.12.31, 6.1.141) it wrote past the offered
    length, and ``crypto/scompress.c`` made ENOSPC of that (`Overlong`).

    name: the kernel's name of the algorithm.
    """

    name: str
    batch_size: ClassVar[int] = 1

    def outcomes(self, content: Hashable) -> None:
        """Return None: the environment knows the length."""

    def decompress(self, data: Hashable) -> Hashable:
        """Return the content, which is the data itself."""
        return data


class Packed(NamedTuple):
    """What `Symbolic` makes of a content: not the content, as a compressed stream is not the page."""

    content: Hashable


@attrs.frozen
class Symbolic:
    """A compressor for exploration: every content can get each of the lengths, or an error.

    name: any name.
    lengths: possible compressed lengths in bytes, 1 to `LONGEST`, all different, the normal one first.  One above
        PAGE_SIZE is written all the same (`Overlong`).
    fail: whether the compressor may also refuse a page (EINVAL).
    batch_size: pages that one call takes.

    Raises ValueError when a length is out of range or given twice, when no outcome is left, and for a batch of
    less than one page.
    """

    name: str
    lengths: tuple[int, ...] = (1024,)
    fail: bool = True
    batch_size: int = 1

    def __attrs_post_init__(self) -> None:
        """Check that the outcomes are possible, different and at least one."""
        wrong = [length for length in self.lengths if not 1 <= length <= LONGEST]
        if wrong:
            raise ValueError(f"codec {self.name!r}: lengths {wrong} are not in 1 to {LONGEST} bytes")
        if len(set(self.lengths)) < len(self.lengths):
            raise ValueError(f"codec {self.name!r}: lengths {list(self.lengths)} repeat; give each one once")
        if not self.lengths and not self.fail:
            raise ValueError(f"codec {self.name!r} has no outcome; give lengths or let it fail")
        if self.batch_size < 1:
            raise ValueError(f"codec {self.name!r}: batch_size {self.batch_size}; expected at least 1 page")

    def outcomes(self, content: Hashable) -> tuple[Outcome, ...]:
        """Return the content, packed, with each of the lengths, then the refusal."""
        made = tuple(
            Compressed(length, Packed(content)) if length <= PAGE_SIZE else Overlong(ENOSPC, length)
            for length in self.lengths
        )
        return (*made, CompressError(EINVAL)) if self.fail else made

    def decompress(self, data: Hashable) -> Hashable:
        """Return the content.  Raises CorruptData for what is not packed: a page that was kept raw."""
        if not isinstance(data, Packed):
            raise CorruptData(f"{self.name} decompresses what it has compressed, found {_described(data)}")
        return data.content


CODECS: Final[Mapping[str, Callable[[str], Codec]]] = MappingProxyType(
    {
        "zstd": Zstd,
        "deflate": Deflate,
        "deflate-iaa": lambda kernel: DeflateIaa(),
        "lz4": lambda kernel: Lz4(),
        "lzo": lambda kernel: Recorded("lzo"),
    }
)
"""The kernel's name of the algorithm -> factory that takes the kernel version."""


def make_codec(name: str, kernel: str) -> Codec:
    """Return the codec for the algorithm ``name`` in the kernel version ``kernel``, for example "6.12".

    Raises ValueError when the name is unknown, or the version is none.
    """
    if name not in CODECS:
        raise ValueError(f"unknown compressor {name!r}; known are {', '.join(CODECS)}")
    # Some codecs are the same in every kernel, but a wrong version is a mistake with each of them.
    _release(kernel)
    return CODECS[name](kernel)


def is_zero(content: Hashable) -> bool:
    """Say whether the page holds nothing but zeroes.

    Such a page needs no storage, only a bit of the zero map (``mm/page_io.c``,
    ``is_folio_zero_filled``, 6.12).
    """
    return content == ZERO_PAGE if isinstance(content, bytes) else content == 0


def same_filled_word(content: Hashable) -> int | None:
    """Return the 64-bit word that fills the whole page, or None when no single word does.

    Linux 6.1 keeps such a page as that word, without compression (``mm/zswap.c``,
    ``zswap_is_page_same_filled``). The page of zeroes is one of them, with word 0.
    """
    if not isinstance(content, bytes):
        return -content if isinstance(content, int) and content <= 0 else None
    word = content[:_WORD_SIZE]
    # Most pages differ in the last word already, which spares building the page to compare with.
    if content[-_WORD_SIZE:] != word or content != word * (PAGE_SIZE // _WORD_SIZE):
        return None
    return int.from_bytes(word, "little")


def page_filled_with(word: int, *, tokens: bool) -> Hashable:
    """Return the page that one 64-bit word fills, as bytes or as a token (``same_filled_word`` back again).

    Source: ``drivers/block/zram/zram_drv.c`` ``zram_fill_page``, 6.12.
    """
    if not word:
        return ZERO_PAGE
    return -word if tokens else word.to_bytes(_WORD_SIZE, "little") * (PAGE_SIZE // _WORD_SIZE)

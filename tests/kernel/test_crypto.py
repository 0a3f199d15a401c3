"""Compressors: round trips, the limit of one page, recorded lengths, and the codecs for tokens."""

from __future__ import annotations

import random
from collections.abc import Hashable
from errno import E2BIG, EINVAL, ENOSPC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmodel.conformance.patterns import page
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import (
    CODECS,
    LONGEST,
    ZERO_PAGE,
    Codec,
    Compressed,
    CompressError,
    CorruptData,
    Deflate,
    DeflateIaa,
    Lz4,
    Overlong,
    Packed,
    Recorded,
    Symbolic,
    Zstd,
    is_zero,
    make_codec,
    same_filled_word,
)

REAL = [Zstd("6.12"), Zstd("7.3"), Deflate("6.12"), Deflate("7.3"), DeflateIaa(), Lz4()]

SEEDS = st.integers(min_value=0, max_value=2**32 - 1)
RANDOM_PAGES = SEEDS.map(lambda seed: random.Random(seed).randbytes(PAGE_SIZE))
REPEATED = st.binary(min_size=1, max_size=64).map(lambda part: (part * PAGE_SIZE)[:PAGE_SIZE])
MIXED = st.builds(page, st.sampled_from(["mix", "text", "nsame"]), SEEDS, st.integers(0, PAGE_SIZE))
PAGES = st.just(ZERO_PAGE) | REPEATED | MIXED | RANDOM_PAGES

each_real_codec = pytest.mark.parametrize("codec", REAL, ids=str)


class TestRealCodecs:
    """`Zstd`, `Deflate`, `DeflateIaa` and `Lz4`."""

    @each_real_codec
    @given(content=PAGES)
    def test_a_compressed_page_decompresses_to_itself(self, codec: Codec, content: bytes) -> None:
        """Whatever fits into a page gives the page back; the length is that of the compressed bytes."""
        for outcome in codec.outcomes(content) or ():
            if isinstance(outcome, Compressed):
                assert isinstance(outcome.data, bytes)
                assert 1 <= outcome.length == len(outcome.data) <= PAGE_SIZE
                assert content == codec.decompress(outcome.data)

    @each_real_codec
    @given(content=PAGES)
    def test_a_page_has_the_normal_result_and_at_most_one_fault(self, codec: Codec, content: bytes) -> None:
        """After the normal result comes the refusal with EINVAL; a normal EINVAL is not repeated."""
        outcomes = codec.outcomes(content)

        assert outcomes is not None
        assert CompressError(EINVAL) == outcomes[-1]
        assert len(set(outcomes)) == len(outcomes) <= 2

    @each_real_codec
    @given(first=PAGES, second=PAGES)
    def test_compression_depends_on_the_page_alone(self, codec: Codec, first: bytes, second: bytes) -> None:
        """A result is the same before and after other pages, remembered or not."""
        before = codec.outcomes(first)
        codec.outcomes(second)

        assert isinstance(codec, (Zstd, Deflate, DeflateIaa, Lz4))
        fresh = codec.compress_page(first)
        assert codec.outcomes(bytes(bytearray(first))) == before
        assert before is not None
        assert before[0] in (Compressed(len(fresh), fresh), CompressError(codec.too_long))

    @each_real_codec
    def test_a_zero_page_becomes_tiny(self, codec: Codec) -> None:
        """A page of zeroes takes less than one percent of a page."""
        normal = (codec.outcomes(ZERO_PAGE) or ())[0]

        assert isinstance(normal, Compressed)
        assert normal.length < PAGE_SIZE // 100

    @pytest.mark.parametrize(
        ("codec", "errno"),
        [
            (Zstd("6.12"), EINVAL),
            (Zstd("7.3"), EINVAL),
            (Deflate("6.12.117"), EINVAL),
            (Deflate("6.15"), EINVAL),
            (Deflate("6.16"), ENOSPC),
            (DeflateIaa(), E2BIG),
            (Lz4(), EINVAL),
        ],
        ids=str,
    )
    def test_an_incompressible_page_gives_the_errno_of_the_kernel(self, codec: Codec, errno: int) -> None:
        """A result longer than a page is the error that the kernel's crypto layer returns for it."""
        incompressible = random.Random(1).randbytes(PAGE_SIZE)

        assert CompressError(errno) == (codec.outcomes(incompressible) or ())[0]

    @each_real_codec
    @pytest.mark.parametrize("content", [0, 7, ("a", 1), b"", bytes(PAGE_SIZE - 1), bytes(PAGE_SIZE + 1)])
    def test_only_pages_of_bytes_are_compressed(self, codec: Codec, content: Hashable) -> None:
        """A token, or bytes that are no page, is a mistake in the configuration, not an outcome."""
        with pytest.raises(TypeError, match="compresses pages of 4096 bytes, found"):
            codec.outcomes(content)

    @each_real_codec
    @pytest.mark.parametrize("kind", ["text", "same"])
    def test_truncated_data_is_corrupt(self, codec: Codec, kind: str) -> None:
        """No proper prefix of compressed data decompresses."""
        normal = (codec.outcomes(page(kind, 5)) or ())[0]
        assert isinstance(normal, Compressed)
        assert isinstance(normal.data, bytes)

        for length in range(0, normal.length, 7):
            with pytest.raises(CorruptData, match="look for a stale handle"):
                codec.decompress(normal.data[:length])

    @each_real_codec
    @given(data=st.binary(max_size=200))
    def test_any_bytes_decompress_to_a_page_or_are_corrupt(self, codec: Codec, data: bytes) -> None:
        """Damaged data ends in `CorruptData` or in 4096 other bytes, never in anything else."""
        try:
            content = codec.decompress(data)
        except CorruptData:
            return
        assert isinstance(content, bytes)
        assert len(content) == PAGE_SIZE

    @each_real_codec
    def test_a_token_is_no_compressed_data(self, codec: Codec) -> None:
        """What a symbolic codec stored cannot be read by a real one."""
        with pytest.raises(CorruptData, match="decompresses bytes, found the token 3"):
            codec.decompress(3)

    @pytest.mark.parametrize("codec", [Deflate("6.12"), DeflateIaa(), Lz4()], ids=str)
    @pytest.mark.parametrize("size", [PAGE_SIZE - 1, PAGE_SIZE + 1])
    def test_data_of_another_size_is_corrupt(self, codec: Deflate | DeflateIaa | Lz4, size: int) -> None:
        """Data that is sound but holds less or more than a page is corrupt."""
        with pytest.raises(CorruptData):
            codec.decompress(codec.compress_page(bytes(size)))

    def test_a_frame_that_announces_another_size_is_not_expanded(self) -> None:
        """The announced size of a zstd frame is checked before any memory is taken for it."""
        frame = Zstd().compress_page(bytes(1 << 24))

        with pytest.raises(CorruptData, match="announces 16777216 bytes"):
            Zstd().decompress(frame)

    def test_bytes_after_a_zstd_frame_are_corrupt(self) -> None:
        """One stored object is one frame."""
        with pytest.raises(CorruptData):
            Zstd().decompress(Zstd().compress_page(ZERO_PAGE) + b"\0")

    def test_zstd_parameters_follow_the_kernel(self) -> None:
        """The choice of parameters for a known source size (6.17) changes what a page compresses to."""
        text = page("text", 588212)

        assert Zstd("6.16").compress_page(text) == Zstd("6.1").compress_page(text)
        assert Zstd("6.16").compress_page(text) != Zstd("6.17").compress_page(text)
        assert Zstd("7.3").compress_page(text) == Zstd("6.17").compress_page(text)

    @pytest.mark.parametrize("factory", [Zstd, Deflate])
    @pytest.mark.parametrize("kernel", ["", "six", "6", "6.x", "linux-6.12"])
    def test_a_kernel_version_is_needed(self, factory: type[Zstd] | type[Deflate], kernel: str) -> None:
        """What is no kernel version is refused at once, with the form that is expected."""
        with pytest.raises(ValueError, match=r"is not of the form '6\.12'"):
            factory(kernel)


class TestRecordedLengths:
    """Lengths that Linux 6.12.117 reported (trace compressors-6.12)."""

    @pytest.mark.parametrize(
        ("kind", "seed", "length", "recorded"),
        [
            ("text", 921311, PAGE_SIZE, 857),
            ("mix", 395937, 500, 549),
            ("same", 6916, PAGE_SIZE, 35),
        ],
    )
    def test_deflate_is_exact(self, kind: str, seed: int, length: int, recorded: int) -> None:
        """Software deflate gives the recorded length to the byte."""
        assert recorded == len(Deflate("6.12").compress_page(page(kind, seed, length)))

    @pytest.mark.parametrize(
        ("kind", "seed", "length", "recorded"),
        [
            ("text", 588212, PAGE_SIZE, 898),
            ("mix", 735776, 500, 517),
            ("mix", 91422, 2000, 2027),
            ("same", 171733, PAGE_SIZE, 25),
        ],
    )
    def test_zstd_is_within_18_bytes(self, kind: str, seed: int, length: int, recorded: int) -> None:
        """Zstd gives the recorded length up to what its releases differ by."""
        assert abs(recorded - len(Zstd("6.12").compress_page(page(kind, seed, length)))) <= 18

    @pytest.mark.parametrize(
        ("codec", "seed"), [(Lz4(), 167419), (Zstd("6.12"), 949911), (Deflate("6.12"), 767599)], ids=str
    )
    def test_a_random_page_is_einval(self, codec: Codec, seed: int) -> None:
        """Lz4, zstd and deflate each answered EINVAL to a page of random words."""
        assert (CompressError(EINVAL),) == codec.outcomes(page("rand", seed))


class TestRecorded:
    """`Recorded`: the environment knows the lengths."""

    @pytest.mark.parametrize("content", [ZERO_PAGE, 0, -1, "a"])
    def test_a_recorded_codec_leaves_the_result_to_the_environment(self, content: Hashable) -> None:
        """No outcome is predicted, and the data is the content."""
        codec: Codec = Recorded("lzo")

        assert codec.outcomes(content) is None
        assert content == codec.decompress(content)


class TestSymbolic:
    """`Symbolic`: tokens with any of a few lengths."""

    def test_outcomes_are_the_lengths_and_then_the_refusal(self) -> None:
        """Each length is one outcome, in the order given; the refusal comes last."""
        codec = Symbolic("any", lengths=(1024, PAGE_SIZE))

        packed = Packed(5)
        assert (
            Compressed(1024, packed),
            Compressed(PAGE_SIZE, packed),
            CompressError(EINVAL),
        ) == codec.outcomes(5)

    def test_a_codec_that_never_fails_has_the_lengths_alone(self) -> None:
        """Without failures a page always compresses."""
        assert (Compressed(1024, Packed(5)),) == Symbolic("any", fail=False).outcomes(5)

    def test_a_codec_may_refuse_every_page(self) -> None:
        """Without lengths every page is refused."""
        assert (CompressError(EINVAL),) == Symbolic("any", lengths=()).outcomes(5)

    @given(content=st.integers() | st.binary() | st.tuples(st.integers(), st.integers()))
    def test_the_content_comes_back(self, content: Hashable) -> None:
        """Whatever the length, the content comes back."""
        codec = Symbolic("any")

        for outcome in codec.outcomes(content):
            if isinstance(outcome, Compressed):
                assert content == codec.decompress(outcome.data)

    def test_a_page_that_was_kept_raw_does_not_decompress(self) -> None:
        """A stream and a page are different things, though both are a token."""
        with pytest.raises(CorruptData, match="the token 5"):
            Symbolic("any").decompress(5)

    def test_a_batch_has_a_page_at_least(self) -> None:
        """One page in a call is a compressor without batches."""
        with pytest.raises(ValueError, match="batch_size 0; expected at least 1 page"):
            Symbolic("any", batch_size=0)

    def test_what_is_longer_than_a_page_is_an_error_and_is_written_all_the_same(self) -> None:
        """The crypto layer makes an error of the length, after the compressor has written so much."""
        codec = Symbolic("any", lengths=(PAGE_SIZE, PAGE_SIZE + 1), fail=False)

        assert (Compressed(PAGE_SIZE, Packed(5)), Overlong(ENOSPC, PAGE_SIZE + 1)) == codec.outcomes(5)

    @pytest.mark.parametrize("lengths", [(0,), (1024, LONGEST + 1), (-1,)])
    def test_lengths_of_more_than_two_pages_are_refused(self, lengths: tuple[int, ...]) -> None:
        """No compressor makes so much of a page."""
        with pytest.raises(ValueError, match="are not in 1 to 8192 bytes"):
            Symbolic("any", lengths)

    def test_repeated_lengths_are_refused(self) -> None:
        """Outcomes are different from each other, or exploration would do work twice."""
        with pytest.raises(ValueError, match="repeat"):
            Symbolic("any", (8, 8))

    def test_a_codec_without_outcomes_is_refused(self) -> None:
        """A compressor returns something."""
        with pytest.raises(ValueError, match="no outcome"):
            Symbolic("any", (), fail=False)


class TestMakeCodec:
    """`make_codec` and `CODECS`."""

    @pytest.mark.parametrize("name", list(CODECS))
    @pytest.mark.parametrize("kernel", ["6.1", "6.12.117", "7.3"])
    def test_every_known_name_makes_the_codec_of_that_name(self, name: str, kernel: str) -> None:
        """The same name and kernel make equal codecs, which carry the name."""
        codec = make_codec(name, kernel)

        assert name == codec.name
        assert codec == make_codec(name, kernel)

    def test_an_unknown_name_is_refused_with_the_known_ones(self) -> None:
        """The error lists the compressors that exist."""
        with pytest.raises(ValueError, match="'lzma'; known are zstd, deflate, deflate-iaa, lz4, lzo"):
            make_codec("lzma", "6.12")

    @pytest.mark.parametrize("name", list(CODECS))
    def test_a_wrong_version_is_refused_for_every_name(self, name: str) -> None:
        """Even a codec that is the same in every kernel is not made for a version that is none."""
        with pytest.raises(ValueError, match="kernel version 'new'"):
            make_codec(name, "new")


class TestContents:
    """`is_zero` and `same_filled_word`."""

    def test_zero_is_the_page_of_zeroes_and_the_token_zero(self) -> None:
        """Nothing else is zero: no other token and no page with a single bit set."""
        assert is_zero(bytes(PAGE_SIZE))
        assert is_zero(0)
        assert not is_zero(bytes(PAGE_SIZE - 1) + b"\1")
        assert not any(is_zero(token) for token in (1, -1, "0", (0,), None))

    @given(word=st.binary(min_size=8, max_size=8))
    def test_a_repeated_word_fills_the_page(self, word: bytes) -> None:
        """A page that repeats one word is filled with it, read as a little-endian number."""
        assert int.from_bytes(word, "little") == same_filled_word(word * 512)

    @given(word=st.binary(min_size=8, max_size=8), bit=st.integers(0, 8 * PAGE_SIZE - 1))
    def test_one_flipped_bit_ends_that(self, word: bytes, bit: int) -> None:
        """A page that differs from a repeated word in any one bit is not filled."""
        content = bytearray(word * 512)
        content[bit // 8] ^= 1 << bit % 8

        assert same_filled_word(bytes(content)) is None

    @pytest.mark.parametrize(
        ("token", "word"), [(0, 0), (-1, 1), (-0xABCD, 0xABCD), (1, None), ("x", None), ((-1,), None)]
    )
    def test_a_negative_token_is_a_filled_page(self, token: Hashable, word: int | None) -> None:
        """The token 0 is filled with 0, a negative one with its opposite, every other one is ordinary."""
        assert word == same_filled_word(token)

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from airis_ray.errors import AirisError, InvalidInput, Overloaded, TooLarge, Unsupported
from airis_ray.ingest.bodies import content_encoding, inflate, read_body
from airis_ray.ingest.budget import Budget, Reservation

LIMIT = 100_000


def _raw_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


def _zstd_streamed(body: bytes) -> bytes:
    """As streaming senders write it: no size in the header, a checksum, blocks flushed early."""
    stream = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    head = stream.compress(body[:10]) + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    return head + stream.compress(body[10:]) + stream.flush()


COMPRESSORS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "zlib": ("deflate", zlib.compress),
    "raw deflate": ("deflate", _raw_deflate),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
    "zstd without size": ("zstd", zstandard.ZstdCompressor(write_content_size=False).compress),
    "zstd streamed": ("zstd", _zstd_streamed),
}
each_compressor = pytest.mark.parametrize("name", COMPRESSORS)
BODIES = st.binary(max_size=300) | st.builds(
    lambda part, n: part * n, st.binary(max_size=30), st.integers(0, 900)
)


@each_compressor
@given(body=BODIES)
def test_what_was_compressed_comes_back(name: str, body: bytes) -> None:
    encoding, compress = COMPRESSORS[name]
    assert inflate(encoding, compress(body), LIMIT) == body


@each_compressor
@given(body=BODIES, cut=st.floats(0, 1, exclude_max=True))
def test_what_is_cut_off_is_refused(name: str, body: bytes, cut: float) -> None:
    encoding, compress = COMPRESSORS[name]
    compressed = compress(body)
    with pytest.raises(InvalidInput, match=f"the body is not valid {encoding}"):
        inflate(encoding, compressed[: int(len(compressed) * cut)], LIMIT)


@each_compressor
@given(body=st.binary(min_size=1, max_size=300), room=st.integers(0, 299))
def test_one_byte_too_many_is_too_large(name: str, body: bytes, room: int) -> None:
    encoding, compress = COMPRESSORS[name]
    limit = min(room, len(body) - 1)
    with pytest.raises(TooLarge, match=f"at most {limit} bytes"):
        inflate(encoding, compress(body), limit)
    assert inflate(encoding, compress(body), len(body)) == body


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
@given(body=st.binary(max_size=200))
def test_garbage_is_refused_or_inflated_but_nothing_else(encoding: str, body: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        assert len(inflate(encoding, body, LIMIT)) <= LIMIT


@each_compressor
@given(
    body=st.binary(min_size=100, max_size=300), at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7)
)
def test_a_flipped_bit_never_breaks_the_bound(name: str, body: bytes, at: float, bit: int) -> None:
    encoding, compress = COMPRESSORS[name]
    damaged = bytearray(compress(body * 50))
    damaged[int(len(damaged) * at)] ^= 1 << bit
    with contextlib.suppress(InvalidInput):
        assert len(inflate(encoding, bytes(damaged), LIMIT)) <= LIMIT


@each_compressor
def test_a_bomb_takes_no_more_memory_than_the_limit(name: str) -> None:
    encoding, compress = COMPRESSORS[name]
    bomb = compress(bytes(200 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            inflate(encoding, bomb, 1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_members_and_frames_follow_each_other() -> None:
    assert inflate("gzip", gzip.compress(b"one ") + gzip.compress(b"two"), LIMIT) == b"one two"
    zstd = zstandard.ZstdCompressor()
    skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
    assert inflate("zstd", zstd.compress(b"one ") + skippable + zstd.compress(b"two"), LIMIT) == b"one two"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"") * 100_000),
        ("zstd", zstandard.ZstdCompressor().compress(b"") * 100_000),
        ("zstd", b"\x50\x2a\x4d\x18\x00\x00\x00\x00" * 100_000),
        ("deflate", zlib.compress(b"x") + b"more"),
        ("gzip", gzip.compress(b"x") + b"more"),
    ],
    # Names of one's own: gzip writes the time into its head, and every process has to collect the same.
    ids=["members", "frames", "skippable", "behind deflate", "behind gzip"],
)
def test_bodies_that_only_cost_time_are_refused(encoding: str, body: bytes) -> None:
    with pytest.raises(InvalidInput):
        inflate(encoding, body, LIMIT)


def test_a_window_larger_than_http_allows_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=24, enable_ldm=True)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = stream.compress(bytes(1000)) + stream.flush()
    with pytest.raises(InvalidInput, match="too much memory"):
        inflate("zstd", body, LIMIT)


@pytest.mark.parametrize(
    ("values", "encoding"),
    [
        ([], "identity"),
        ([""], "identity"),
        (["GZIP"], "gzip"),
        (["x-gzip"], "gzip"),
        (["identity", "zstd"], "zstd"),
    ],
)
def test_content_encoding(values: list[str], encoding: str) -> None:
    assert content_encoding(values) == encoding


@pytest.mark.parametrize("values", [["gzip", "gzip"], ["gzip,deflate"], ["br"], ["x-gzip, gzip"]])
def test_unknown_and_nested_encodings_are_unsupported(values: list[str]) -> None:
    with pytest.raises(Unsupported, match="expected"):
        content_encoding(values)


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize(
    ("limit", "budget", "error"), [(9, 100, TooLarge), (100, 9, TooLarge), (100, 15, Overloaded)]
)
async def test_a_body_is_read_within_its_bounds(limit: int, budget: int, error: type[AirisError]) -> None:
    room = Budget(budget)
    if error is Overloaded:
        room.take(10)
    with Reservation(room) as held, pytest.raises(error):
        await read_body(_chunks(b"x" * 4, b"", b"y" * 6), limit, held)
    assert room.held == (10 if error is Overloaded else 0)

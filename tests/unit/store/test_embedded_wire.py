"""Codecs, fed in any pieces."""

from __future__ import annotations

import random
import struct

import pytest
import zstandard

from airis_ray.store.embedded.blocks import _checksum
from airis_ray.store.embedded.errors import ClickHouseError
from airis_ray.store.embedded.wire import ENCODINGS, Codec, Decoder, accepted, decoder, encoder

DATA = random.Random(1).randbytes(300_000) + bytes(2_000_000)


def _through(codec: Codec, data: bytes, step: int) -> bytes:
    parts = [codec.feed(data[start : start + step]) for start in range(0, len(data), step)]
    return b"".join([*parts, codec.finish()])


def _back(codec: Decoder, data: bytes, step: int) -> bytes:
    chunks = (data[start : start + step] for start in range(0, len(data), step))
    plain = b"".join(piece for chunk in chunks for piece in codec.pieces(chunk))
    codec.finish()
    return plain


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("name", [None, *ENCODINGS])
@pytest.mark.parametrize("step", [1000, 1 << 20])
def test_what_is_packed_is_unpacked(name: str | None, native: bool, step: int) -> None:
    packed = _through(encoder(name, native=native, level=3), DATA, 1 << 18)
    assert _back(decoder(name or "", native=native), packed, step) == DATA


@pytest.mark.parametrize("name", ENCODINGS)
def test_nothing_is_packed_too(name: str) -> None:
    codec = decoder(name, native=False)
    assert b"".join(codec.pieces(encoder(name, native=False, level=3).finish())) == b""
    codec.finish()


@pytest.mark.parametrize("name", ENCODINGS)
def test_members_may_follow_each_other(name: str) -> None:
    packed = b"".join(_through(encoder(name, native=False, level=3), part, 10) for part in (b"one ", b"two"))
    assert _back(decoder(name, native=False), packed, len(packed)) == b"one two"


@pytest.mark.parametrize("name", ENCODINGS)
def test_bodies_that_are_damaged_or_cut(name: str) -> None:
    packed = _through(encoder(name, native=False, level=3), DATA, 1 << 20)
    with pytest.raises(ClickHouseError, match="ends too early"):
        _back(decoder(name, native=False), packed[:-20], 1 << 20)
    with pytest.raises(ClickHouseError, match="the body is not"):
        _back(decoder(name, native=False), b"SELECT 1, but not packed at all", 1 << 20)


def test_blocks_that_are_cut_or_none() -> None:
    packed = _through(encoder(None, native=True, level=3), DATA, 1 << 20)
    with pytest.raises(ClickHouseError, match="not whole"):
        _back(decoder("", native=True), packed[:-1], 1 << 20)
    with pytest.raises(ClickHouseError, match="not made of"):
        _back(decoder("", native=True), b"INSERT INTO t FORMAT CSV 1,2,3 and more", 1 << 20)


@pytest.mark.parametrize("name", ENCODINGS)
def test_few_bytes_that_stand_for_many_are_unpacked_in_bounded_steps(name: str) -> None:
    packer = encoder(name, native=False, level=3)
    packed = b"".join([*(packer.feed(bytes(1 << 20)) for _ in range(100)), packer.finish()])
    assert len(packed) < 1 << 20
    sizes = [len(piece) for piece in decoder(name, native=False).pieces(packed)]
    assert sum(sizes) == 100 << 20
    assert max(sizes) <= 9 << 20


def test_a_window_larger_than_http_allows_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = packer.compress(DATA) + packer.flush()
    with pytest.raises(ClickHouseError, match="the body is not zstd"):
        _back(decoder("zstd", native=False), packed, len(packed))


def _native(method: int, packed: bytes, size: int) -> bytes:
    block = struct.pack("<BII", method, len(packed) + 9, size) + packed
    return _checksum(block) + block


def test_a_block_may_not_be_larger_than_it_says_nor_than_the_bound() -> None:
    packed = zstandard.compress(bytes(1 << 20))
    assert _back(decoder("", native=True), _native(0x90, packed, 1 << 20), 100) == bytes(1 << 20)
    with pytest.raises(ClickHouseError, match="not as large as it says"):
        _back(decoder("", native=True), _native(0x90, packed, 100), 1 << 20)
    with pytest.raises(ClickHouseError, match="at most 32 MiB"):
        _back(decoder("", native=True), _native(0x90, packed, 1 << 30), 1 << 20)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("", None),
        ("gzip", "gzip"),
        ("br, gzip", "gzip"),
        ("lz4,zstd,gzip", "lz4"),
        ("gzip;q=0.5, zstd;q=0.9", "zstd"),
        ("gzip;q=0", None),
        ("*", "zstd"),
        ("identity", None),
        ("gzip;q=often", None),
    ],
)
def test_the_encoding_that_the_client_likes_best(header: str, name: str | None) -> None:
    assert accepted(header) == name

"""Codecs, fed in any pieces."""

from __future__ import annotations

import random

import pytest

from airis_ray.store.embedded.errors import ClickHouseError
from airis_ray.store.embedded.wire import ENCODINGS, Codec, accepted, decoder, encoder

DATA = random.Random(1).randbytes(300_000) + bytes(2_000_000)


def _through(codec: Codec, data: bytes, step: int) -> bytes:
    parts = [codec.feed(data[start : start + step]) for start in range(0, len(data), step)]
    return b"".join([*parts, codec.finish()])


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("name", [None, *ENCODINGS])
@pytest.mark.parametrize("step", [1000, 1 << 20])
def test_what_is_packed_is_unpacked(name: str | None, native: bool, step: int) -> None:
    packed = _through(encoder(name, native=native, level=3), DATA, 1 << 18)
    assert _through(decoder(name or "", native=native), packed, step) == DATA


@pytest.mark.parametrize("name", ENCODINGS)
def test_nothing_is_packed_too(name: str) -> None:
    codec = decoder(name, native=False)
    assert codec.feed(encoder(name, native=False, level=3).finish()) + codec.finish() == b""


@pytest.mark.parametrize("name", ENCODINGS)
def test_members_may_follow_each_other(name: str) -> None:
    packed = b"".join(_through(encoder(name, native=False, level=3), part, 10) for part in (b"one ", b"two"))
    assert _through(decoder(name, native=False), packed, len(packed)) == b"one two"


@pytest.mark.parametrize("name", ENCODINGS)
def test_bodies_that_are_damaged_or_cut(name: str) -> None:
    packed = _through(encoder(name, native=False, level=3), DATA, 1 << 20)
    with pytest.raises(ClickHouseError, match="ends too early"):
        _through(decoder(name, native=False), packed[:-20], 1 << 20)
    with pytest.raises(ClickHouseError, match="the body is not"):
        _through(decoder(name, native=False), b"SELECT 1, but not packed at all", 1 << 20)


def test_blocks_that_are_cut_or_none() -> None:
    packed = _through(encoder(None, native=True, level=3), DATA, 1 << 20)
    with pytest.raises(ClickHouseError, match="not whole"):
        _through(decoder("", native=True), packed[:-1], 1 << 20)
    with pytest.raises(ClickHouseError, match="not made of"):
        _through(decoder("", native=True), b"INSERT INTO t FORMAT CSV 1,2,3 and more", 1 << 20)


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

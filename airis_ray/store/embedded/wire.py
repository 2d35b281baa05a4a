"""Compression on the wire: HTTP's content encodings, both ways, fed piece by piece."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Protocol

import lz4.frame
import zstandard

from airis_ray.store.embedded.blocks import BlockDecoder, BlockEncoder
from airis_ray.store.embedded.errors import CANNOT_DECOMPRESS, NOT_IMPLEMENTED, error

ENCODINGS = ("zstd", "lz4", "gzip", "deflate")
"""What is spoken, in the order of preference where the client has none."""


class Codec(Protocol):
    """Turns bytes into others; what it holds back comes out of ``finish``."""

    def feed(self, data: bytes) -> bytes:
        """Take some bytes."""

    def finish(self) -> bytes:
        """Say that no more come."""


class Identity:
    """Bytes as they are."""

    def feed(self, data: bytes) -> bytes:
        return data

    def finish(self) -> bytes:
        return b""


class _Encoder:
    """Over the compressor objects of zlib and zstandard."""

    def __init__(self, compressor: Any) -> None:
        self._compressor = compressor

    def feed(self, data: bytes) -> bytes:
        return bytes(self._compressor.compress(data))

    def finish(self) -> bytes:
        return bytes(self._compressor.flush())


class _Lz4Encoder:
    def __init__(self) -> None:
        self._compressor = lz4.frame.LZ4FrameCompressor()
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        head = b"" if self._begun else self._compressor.begin()
        self._begun = True
        return bytes(head + self._compressor.compress(data))

    def finish(self) -> bytes:
        head = b"" if self._begun else self._compressor.begin()
        return bytes(head + self._compressor.flush())


class _Decoder:
    """Over the decompressor objects; several members or frames may follow each other."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._decompressor: Any = _decompressor(name)
        self._fresh = True

    def feed(self, data: bytes) -> bytes:
        parts = []
        try:
            while data:
                if self._decompressor.eof:
                    self._decompressor = _decompressor(self._name)
                self._fresh = False
                parts.append(self._decompressor.decompress(data))
                data = (self._decompressor.unused_data or b"") if self._decompressor.eof else b""
        except (zlib.error, zstandard.ZstdError, RuntimeError) as problem:
            raise error(CANNOT_DECOMPRESS, f"the body is not {self._name}: {problem}") from None
        return b"".join(parts)

    def finish(self) -> bytes:
        if not (self._fresh or self._decompressor.eof):
            raise error(CANNOT_DECOMPRESS, f"the {self._name} body ends too early")
        return b""


def _decompressor(name: str) -> Any:
    if name == "zstd":
        return zstandard.ZstdDecompressor().decompressobj()
    if name == "lz4":
        return lz4.frame.LZ4FrameDecompressor()
    # +32 finds out by itself whether zlib or gzip wraps the data.
    return zlib.decompressobj(zlib.MAX_WBITS + 32)


def decoder(content_encoding: str, *, native: bool) -> Codec:
    """What undoes a request's Content-Encoding, and ClickHouse's own blocks where ``decompress=1``."""
    name = content_encoding.strip().lower()
    outer: Codec
    if name in ("", "identity"):
        outer = Identity()
    elif name in (*ENCODINGS, "x-gzip"):
        outer = _Decoder(name.removeprefix("x-"))
    else:
        raise error(
            NOT_IMPLEMENTED, f"Unknown compression method: {name}; spoken here: {', '.join(ENCODINGS)}"
        )
    return _Chain(outer, BlockDecoder()) if native else outer


def encoder(name: str | None, *, native: bool, level: int) -> Codec:
    """What applies an answer's Content-Encoding, around ClickHouse's own blocks where ``compress=1``."""
    outer: Codec = Identity()
    if name == "zstd":
        outer = _Encoder(zstandard.ZstdCompressor(level=level).compressobj())
    elif name == "lz4":
        outer = _Lz4Encoder()
    elif name is not None:
        bits = zlib.MAX_WBITS + (16 if name == "gzip" else 0)
        outer = _Encoder(zlib.compressobj(level, zlib.DEFLATED, bits))
    return _Chain(BlockEncoder(), outer) if native else outer


class _Chain:
    def __init__(self, first: Codec, second: Codec) -> None:
        self._first, self._second = first, second

    def feed(self, data: bytes) -> bytes:
        return self._second.feed(self._first.feed(data))

    def finish(self) -> bytes:
        last = self._first.finish()
        return (self._second.feed(last) if last else b"") + self._second.finish()


def accepted(header: str) -> str | None:
    """The encoding to answer in: the first of the client's that is spoken here; None where it wants none."""
    weights: Mapping[str, float] = dict(map(_weighted, header.lower().split(",")))
    names = [name for name, weight in weights.items() if weight > 0 and name in ENCODINGS]
    if not names and weights.get("*", 0) > 0:
        return ENCODINGS[0]
    return max(names, key=lambda name: weights[name], default=None)


def _weighted(part: str) -> tuple[str, float]:
    name, _, quality = part.partition(";")
    try:
        return name.strip(), float(quality.strip().removeprefix("q=") or 1)
    except ValueError:
        return name.strip(), 0.0

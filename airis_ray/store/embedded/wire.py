"""Compression on the wire: HTTP's content encodings, both ways, fed piece by piece."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import lz4.frame
import zstandard

from airis_ray.store.embedded.blocks import BlockDecoder, BlockEncoder
from airis_ray.store.embedded.errors import CANNOT_DECOMPRESS, NOT_IMPLEMENTED, error

ENCODINGS = ("zstd", "lz4", "gzip", "deflate")
"""What is spoken, in the order of preference where the client has none."""

_STEP = 1 << 20  # bytes inflated at a time
_WINDOW = 8 << 20  # bytes; RFC 9659: no more may be asked for by a Content-Encoding of zstd
# zstandard inflates all it is given at once. Four bytes can stand for a block of 128 KiB, so these are 8 MiB at most;
# at this size it still makes 80 MB/s of plain data.
_ZSTD_BITE = 256


class Codec(Protocol):
    """Turns bytes into others; what it holds back comes out of ``finish``."""

    def feed(self, data: bytes) -> bytes:
        """Take some bytes."""

    def finish(self) -> bytes:
        """Say that no more come."""


class Decoder(Protocol):
    """Undoes a compression in bounded steps, for a few bytes may stand for gigabytes."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What some bytes stand for, a step at a time: at most 8 MiB of an encoding, a block of ClickHouse's.

        To be read to its end before the next call; ClickHouseError where the bytes are no such data.
        """

    def finish(self) -> None:
        """Say that no more come; ClickHouseError where they end too early."""


class Identity:
    """Bytes as they are."""

    def feed(self, data: bytes) -> bytes:
        return data

    def finish(self) -> bytes:
        return b""


class _Plain:
    """A body that is not compressed."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> None:
        pass


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

    def pieces(self, data: bytes) -> Iterator[bytes]:
        rest = data
        while rest:
            if self._decompressor.eof:
                self._decompressor = _decompressor(self._name)
            self._fresh = False
            yield from self._steps(rest)
            rest = (self._decompressor.unused_data or b"") if self._decompressor.eof else b""

    def _steps(self, data: bytes) -> Iterator[bytes]:
        try:
            yield from self._decompressor.steps(data)
        except (zlib.error, zstandard.ZstdError, RuntimeError) as problem:
            raise error(CANNOT_DECOMPRESS, f"the body is not {self._name}: {problem}") from None

    def finish(self) -> None:
        if not (self._fresh or self._decompressor.eof):
            raise error(CANNOT_DECOMPRESS, f"the {self._name} body ends too early")


class _Zlib:
    """zlib's or gzip's data; it finds out by itself which of the two."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(zlib.MAX_WBITS + 32)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def steps(self, data: bytes) -> Iterator[bytes]:
        plain = self._inner.decompress(data, _STEP)
        while plain:
            yield plain
            plain = self._inner.decompress(self._inner.unconsumed_tail, _STEP)


class _Lz4:
    """One frame of LZ4."""

    def __init__(self) -> None:
        self._inner = lz4.frame.LZ4FrameDecompressor()

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data or b"")

    def steps(self, data: bytes) -> Iterator[bytes]:
        plain = self._inner.decompress(data, max_length=_STEP)
        while plain:
            yield plain
            plain = b"" if self.eof else self._inner.decompress(b"", max_length=_STEP)


class _Zstd:
    """One frame of Zstandard."""

    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    def steps(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_BITE):
            plain = self._inner.decompress(data[start : start + _ZSTD_BITE])
            if self.eof:
                self.unused_data = self._inner.unused_data + data[start + _ZSTD_BITE :]
            if plain:
                yield plain
            if self.eof:
                return


def _decompressor(name: str) -> _Zlib | _Lz4 | _Zstd:
    if name == "zstd":
        return _Zstd()
    return _Lz4() if name == "lz4" else _Zlib()


def decoder(content_encoding: str, *, native: bool) -> Decoder:
    """What undoes a request's Content-Encoding, and ClickHouse's own blocks where ``decompress=1``."""
    name = content_encoding.strip().lower()
    outer: Decoder
    if name in ("", "identity"):
        outer = _Plain()
    elif name in (*ENCODINGS, "x-gzip"):
        outer = _Decoder(name.removeprefix("x-"))
    else:
        raise error(
            NOT_IMPLEMENTED, f"Unknown compression method: {name}; spoken here: {', '.join(ENCODINGS)}"
        )
    return _Decoders(outer, BlockDecoder()) if native else outer


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


class _Decoders:
    def __init__(self, first: Decoder, second: Decoder) -> None:
        self._first, self._second = first, second

    def pieces(self, data: bytes) -> Iterator[bytes]:
        for plain in self._first.pieces(data):
            yield from self._second.pieces(plain)

    def finish(self) -> None:
        self._first.finish()
        self._second.finish()


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

"""ClickHouse's own compressed blocks (``compress=1``, ``decompress=1``), which JDBC and the native tools use over HTTP.

A block: CityHash128 of what follows (16 bytes), the method (1), the size of the rest with these nine bytes (4), the
size of the data (4), the compressed data.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

import lz4.block
import zstandard
from clickhouse_cityhash.cityhash import CityHash128  # type: ignore[import-untyped] # has no types

from airis_ray.store.embedded.errors import CANNOT_DECOMPRESS, error

_NONE, _LZ4, _ZSTD = 0x02, 0x82, 0x90
_HEAD = Struct("<BII")
_CHECKSUM = 16
_BLOCK = 1 << 20  # bytes of data in a block, as ClickHouse's max_compress_block_size
# Bytes of a block, packed or not: it is held whole. Clients send 1 MiB, clickhouse-go a whole batch in one (of large
# ones it must not be compressed), and ClickHouse's own bound of 1 GiB would let 4 MiB of LZ4 fill the machine.
_LARGEST = 32 << 20


class BlockEncoder:
    """Data in, LZ4 blocks out."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> bytes:
        self._pending += data
        parts = []
        while len(self._pending) >= _BLOCK:
            parts.append(_block(bytes(self._pending[:_BLOCK])))
            del self._pending[:_BLOCK]
        return b"".join(parts)

    def finish(self) -> bytes:
        return _block(bytes(self._pending)) if self._pending else b""


class BlockDecoder:
    """Blocks of any method in, data out."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The data of each block that is whole now, a block at a time; ClickHouseError where it is none."""
        self._pending += data
        while len(self._pending) >= _CHECKSUM + _HEAD.size:
            method, size, data_size = _HEAD.unpack_from(self._pending, _CHECKSUM)
            is_block = method in (_NONE, _LZ4, _ZSTD) and _HEAD.size <= size <= _LARGEST
            if not is_block or data_size > _LARGEST:
                raise error(
                    CANNOT_DECOMPRESS,
                    "the body is not made of ClickHouse's blocks of LZ4, ZSTD or plain data"
                    f" (of at most {_LARGEST >> 20} MiB)",
                )
            if len(self._pending) < _CHECKSUM + size:
                break
            block = bytes(self._pending[_CHECKSUM : _CHECKSUM + size])
            if _checksum(block) != self._pending[:_CHECKSUM]:
                raise error(CANNOT_DECOMPRESS, "the checksum of a compressed block does not match")
            del self._pending[: _CHECKSUM + size]
            yield _data(method, block[_HEAD.size :], data_size)

    def finish(self) -> None:
        """Say that no more come; ClickHouseError where a block is not whole."""
        if self._pending:
            raise error(CANNOT_DECOMPRESS, "the last compressed block is not whole")


def _block(data: bytes) -> bytes:
    packed: bytes = lz4.block.compress(data, store_size=False)
    block = _HEAD.pack(_LZ4, len(packed) + _HEAD.size, len(data)) + packed
    return _checksum(block) + block


def _checksum(block: bytes) -> bytes:
    value: int = CityHash128(block)
    # The number holds the low half in its upper bits.
    return (value >> 64).to_bytes(8, "little") + (value & (1 << 64) - 1).to_bytes(8, "little")


def _data(method: int, packed: bytes, size: int) -> bytes:
    try:
        if method == _LZ4:
            return bytes(lz4.block.decompress(packed, uncompressed_size=size))
        if method == _ZSTD:
            # The frame may claim another size, and zstandard would reserve what it claims.
            if zstandard.frame_content_size(packed) not in (-1, size):
                raise error(CANNOT_DECOMPRESS, "a compressed block is not as large as it says")
            unpacker = zstandard.ZstdDecompressor(max_window_size=_LARGEST)
            return bytes(unpacker.decompress(packed, max_output_size=size))
    except (lz4.block.LZ4BlockError, zstandard.ZstdError) as problem:
        raise error(CANNOT_DECOMPRESS, f"a compressed block cannot be read: {problem}") from None
    return packed

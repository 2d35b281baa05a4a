"""Compressed bodies both ways: HTTP's encodings and ClickHouse's own blocks."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import lz4.frame
import pytest
import zstandard

from airis_ray.store.embedded.blocks import BlockDecoder, BlockEncoder
from tests.contract.conftest import Front

SQL = "SELECT number, toString(number) FROM numbers(200000) FORMAT CSV"

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "lz4": lz4.frame.compress,
    "zstd": zstandard.compress,
}
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    "lz4": lz4.frame.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
}


@pytest.mark.parametrize("name", PACK)
def test_answers_are_packed_when_asked_for(front: Front, name: str) -> None:
    plain = front.ask(SQL).content
    headers = {"Accept-Encoding": name}
    with front.http.stream(
        "POST", "/", content=SQL, headers=headers, params={"enable_http_compression": "1"}
    ) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["Content-Encoding"] == name
    assert len(packed) < len(plain) * 0.7
    assert UNPACK[name](packed) == plain


def test_answers_are_plain_unless_compression_is_enabled(front: Front) -> None:
    answer = front.http.post(
        "/", content="SELECT 1", headers={"Accept-Encoding": "gzip"}, params={"enable_http_compression": "0"}
    )
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("name", PACK)
@pytest.mark.parametrize("where", ["url", "body"])
def test_requests_may_be_packed(front: Front, table: str, name: str, where: str) -> None:
    statement = f"INSERT INTO {table} (id) FORMAT CSV"
    rows = b"".join(b"%d\n" % number for number in range(50_000))
    data = rows if where == "url" else f"{statement}\n".encode() + rows
    values = {"query": statement} if where == "url" else {}
    answer = front.http.post("/", params=values, content=PACK[name](data), headers={"Content-Encoding": name})
    assert answer.status_code == 200, answer.text
    assert front.text(f"SELECT count(), sum(id) FROM {table}") == f"50000\t{sum(range(50_000))}\n"


def test_a_body_that_is_not_what_it_says(front: Front, table: str) -> None:
    answer = front.http.post(
        "/",
        params={"query": f"INSERT INTO {table} (id) FORMAT CSV"},
        content=b"1\n2\n",
        headers={"Content-Encoding": "gzip"},
    )
    assert answer.status_code >= 400
    assert "X-ClickHouse-Exception-Code" in answer.headers
    assert front.text(f"SELECT count() FROM {table}") == "0\n"


def test_an_unknown_encoding(front: Front) -> None:
    answer = front.http.post("/", content=b"SELECT 1", headers={"Content-Encoding": "compress"})
    assert answer.headers["X-ClickHouse-Exception-Code"] == "48"


def test_clickhouses_own_blocks_out(front: Front) -> None:
    packed = front.ask(SQL, compress="1").content
    decoder = BlockDecoder()
    assert b"".join(decoder.pieces(packed)) == front.ask(SQL).content
    decoder.finish()
    assert len(packed) < len(front.ask(SQL).content)


def test_clickhouses_own_blocks_in(front: Front, table: str) -> None:
    rows = b"".join(b"%d\n" % number for number in range(400_000))
    encoder = BlockEncoder()
    packed = encoder.feed(rows) + encoder.finish()
    answer = front.ask(packed, query=f"INSERT INTO {table} (id) FORMAT CSV", decompress="1")
    assert answer.status_code == 200, answer.text
    assert front.text(f"SELECT count() FROM {table}") == "400000\n"


def test_a_damaged_block_is_refused(front: Front, table: str) -> None:
    encoder = BlockEncoder()
    encoder.feed(b"1\n2\n")
    packed = bytearray(encoder.finish())
    packed[-1] ^= 1
    answer = front.ask(bytes(packed), query=f"INSERT INTO {table} (id) FORMAT CSV", decompress="1")
    assert answer.status_code >= 400
    assert front.text(f"SELECT count() FROM {table}") == "0\n"


def test_a_statement_that_inflates_past_the_limit_is_refused_early(front: Front) -> None:
    packer = zstandard.ZstdCompressor().compressobj()
    packed = b"".join(
        [packer.compress(b"SELECT 1")] + [packer.compress(b" " * (1 << 20)) for _ in range(1000)]
    )
    answer = front.http.post("/", content=packed + packer.flush(), headers={"Content-Encoding": "zstd"})
    assert answer.headers["X-ClickHouse-Exception-Code"] == "229"

"""The fed reader of Arrow streams against pyarrow's own writer, cut anywhere."""

from __future__ import annotations

import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airis_ray.errors import Bug, InvalidInput, TooLarge, Unavailable
from airis_ray.store.arrow_stream import ArrowDecoder, read_table

TABLE = pa.table(
    {
        "n": pa.array(range(1000), pa.uint64()),
        "s": [f"줄 {i}" for i in range(1000)],
        "m": pa.array([[("k", str(i))] for i in range(1000)], pa.map_(pa.string(), pa.string())),
        "none": pa.array([None] * 1000, pa.float64()),
    }
)


def written(table: pa.Table, compression: str | None = None, chunk: int = 300) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=chunk)
    return sink.getvalue()


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("size", [1, 7, 1000, 10**9])
def test_any_cut_gives_the_same_batches(compression: str | None, size: int) -> None:
    data = written(TABLE, compression)
    decoder = ArrowDecoder()
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    batches = [batch for piece in pieces for batch in decoder.feed(piece)]
    decoder.finish()
    assert [batch.num_rows for batch in batches] == [300, 300, 300, 100]
    assert pa.Table.from_batches(batches) == TABLE
    assert read_table(data) == TABLE


def test_an_answer_without_rows_has_its_schema() -> None:
    decoder = ArrowDecoder()
    assert list(decoder.feed(written(TABLE.slice(0, 0)))) == []
    decoder.finish()
    assert decoder.schema == TABLE.schema


@given(st.integers(0, 10_000))
def test_a_stream_that_breaks_off_is_unavailable(cut: int) -> None:
    data = written(TABLE)
    decoder = ArrowDecoder()
    list(decoder.feed(data[: min(cut, len(data) - 9)]))
    with pytest.raises(Unavailable, match="broke off"):
        decoder.finish()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (
            b"Code: 241. DB::Exception: Memory limit exceeded: would use 3 GiB. (MEMORY_LIMIT_EXCEEDED)",
            TooLarge,
        ),
        (
            b"\r\n__exception__\r\nabcdefgh\r\nCode: 395. DB::Exception: Value passed to throwIf. (X)"
            b"\r\n90 abcdefgh\r\n__exception__\r\n",
            InvalidInput,
        ),
    ],
)
def test_an_error_behind_the_first_batches_is_raised(text: bytes, kind: type[Exception]) -> None:
    data = written(TABLE)[:-8] + text
    decoder = ArrowDecoder()
    assert len(list(decoder.feed(data))) == 4
    with pytest.raises(kind, match=r"\[ClickHouse code (241|395)\]"):
        decoder.finish()


def test_what_is_no_arrow_stream_is_a_bug() -> None:
    with pytest.raises(Bug, match="hello"):
        read_table(b"hello, world")
    assert read_table(b"").num_columns == 0

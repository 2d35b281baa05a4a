"""Documents of single blocks become one document."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pytest

from airis_ray.store.embedded.formats import Cost, canonical, content_type, joiner

COST = Cost(rows=10, bytes=80, seconds=0.5)


def _joined(name: str, blocks: list[tuple[bytes, int]], last: bytes, sql: str = "SELECT 1") -> bytes:
    how = joiner(name, sql)
    assert how is not None
    join, _ = how
    return b"".join([*(join.piece(block, rows) for block, rows in blocks), join.end(last, COST)])


def test_names() -> None:
    assert canonical("TSV") == "TabSeparated"
    assert canonical("TSVWithNamesAndTypes") == "TabSeparatedWithNamesAndTypes"
    assert canonical("NDJSON") == "JSONEachRow"
    assert content_type("TSVWithNames").startswith("text/tab-separated-values")
    assert content_type("RowBinaryWithNames") == "application/octet-stream"
    assert content_type("Pretty").startswith("text/plain")


def test_rows_that_follow_each_other_end_with_their_totals() -> None:
    assert _joined("TSV", [(b"1\n", 1), (b"2\n", 1)], b"\n3\n") == b"1\n2\n\n3\n"


def test_heads_come_once() -> None:
    assert _joined("CSVWithNames", [(b'"a\nb"\n1\n', 1), (b'"a\nb"\n2\n', 1)], b"") == b'"a\nb"\n1\n2\n'
    assert _joined("TSVWithNamesAndTypes", [(b'"\nT\n1\n', 1), (b'"\nT\n2\n', 1)], b"") == b'"\nT\n1\n2\n'
    head = bytes([1, 1]) + b"a" + bytes([5]) + b"UInt8"
    blocks = [(head + b"\x01", 1), (head + b"\x02", 1)]
    assert _joined("RowBinaryWithNamesAndTypes", blocks, b"") == head + b"\x01\x02"
    assert _joined("CSVWithNames", [], b'"a"\n') == b'"a"\n'


def _json_block(rows: str) -> bytes:
    return f'{{\n\t"meta":\n\t[\n\t],\n\n\t"data":\n\t[\n{rows}\n\t],\n\n\t"rows": 1\n}}\n'.encode()


def test_json_documents_become_one() -> None:
    blocks = [(_json_block('\t\t{"a": "\\n\\t],"}'), 1), (_json_block('\t\t{"a": 2},\n\t\t{"a": 3}'), 2)]
    document = json.loads(_joined("JSON", blocks, b""))
    assert document["data"] == [{"a": "\n\t],"}, {"a": 2}, {"a": 3}]
    assert document["rows"] == 3
    assert document["statistics"] == {"elapsed": 0.5, "rows_read": 10, "bytes_read": 80}


@pytest.mark.parametrize("name", ["JSON", "Arrow", "CSVWithNames"])
def test_totals_are_not_streamed_where_they_are_part_of_a_document(name: str) -> None:
    assert joiner(name, "SELECT a, count() FROM t GROUP BY a WITH TOTALS") is None
    assert joiner("Parquet", "SELECT 1") is None


def _stream(values: list[int]) -> bytes:
    sink = io.BytesIO()
    table = pa.table({"a": pa.array(values, pa.int64())})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "opened"), [("ArrowStream", pa.ipc.open_stream), ("Arrow", pa.ipc.open_file)]
)
def test_arrow(name: str, opened: object) -> None:
    joined = _joined(name, [(_stream([1, 2]), 2), (_stream([3]), 1)], b"")
    assert opened(io.BytesIO(joined)).read_all()["a"].to_pylist() == [1, 2, 3]
    empty = _joined(name, [], _stream([]))
    assert opened(io.BytesIO(empty)).read_all().num_rows == 0

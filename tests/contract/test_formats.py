"""Every format in and out, also where the answer comes in many blocks."""

from __future__ import annotations

import io
import json

import pyarrow as pa
import pytest

from tests.contract.conftest import Front

IN_AND_OUT = [
    "Native",
    "Arrow",
    "ArrowStream",
    "Parquet",
    "JSONEachRow",
    "JSONCompactEachRow",
    "JSONCompactEachRowWithNamesAndTypes",
    "JSON",
    "JSONCompact",
    "CSV",
    "CSVWithNames",
    "CSVWithNamesAndTypes",
    "TSV",
    "TabSeparated",
    "TSVWithNames",
    "TSVWithNamesAndTypes",
    "RowBinary",
    "RowBinaryWithNames",
    "RowBinaryWithNamesAndTypes",
    "Values",
]
ROWS = "number AS id, concat('한글\\n\"\\t,', toString(number)) AS name, map('k', toString(number)) AS labels"


@pytest.mark.parametrize("name", IN_AND_OUT)
@pytest.mark.parametrize("rows", [1, 150_000], ids=["one block", "many blocks"])
def test_what_comes_out_goes_in_again(front: Front, table: str, name: str, rows: int) -> None:
    answer = front.ask(f"SELECT {ROWS} FROM numbers({rows}) FORMAT {name}")
    assert answer.status_code == 200, answer.text
    front.insert(answer.content, f"INSERT INTO {table} FORMAT {name}")
    expected = front.text(
        f"SELECT count(), sum(cityHash64(id, name, labels)) FROM (SELECT {ROWS} FROM numbers({rows}))"
    )
    assert front.text(f"SELECT count(), sum(cityHash64(id, name, labels)) FROM {table}") == expected


@pytest.mark.parametrize(
    "name", ["JSON", "JSONCompact", "Arrow", "ArrowStream", "CSVWithNames", "Native", "TSV"]
)
def test_an_empty_answer(front: Front, name: str) -> None:
    answer = front.ask(f"SELECT number AS id FROM numbers(0) FORMAT {name}")
    assert answer.status_code == 200
    if name.startswith("JSON"):
        assert json.loads(answer.content)["data"] == []
    elif name.startswith("Arrow"):
        opened = pa.ipc.open_file if name == "Arrow" else pa.ipc.open_stream
        assert opened(io.BytesIO(answer.content)).read_all().schema.names == ["id"]
    else:
        assert answer.text == ('"id"\n' if name == "CSVWithNames" else "")


def test_a_json_document_of_many_blocks_is_one_document(front: Front) -> None:
    document = json.loads(
        front.text("SELECT number AS id, '\"data\":' AS s FROM numbers(200000) FORMAT JSON")
    )
    assert document["rows"] == 200_000
    assert [row["id"] for row in document["data"][:2]] == [0, 1]
    assert document["meta"] == [{"name": "id", "type": "UInt64"}, {"name": "s", "type": "String"}]
    assert document["statistics"]["rows_read"] == 200_000


@pytest.mark.parametrize("name", ["JSON", "TSV"])
def test_totals(front: Front, name: str) -> None:
    sql = "SELECT number % 2 AS k, count() AS n FROM numbers(10) GROUP BY k WITH TOTALS ORDER BY k"
    answer = front.text(f"{sql} FORMAT {name}")
    if name == "JSON":
        assert json.loads(answer)["totals"] == {"k": 0, "n": 10}
    else:
        assert answer == "0\t5\n1\t5\n\n0\t10\n"


def test_format_as_a_name_is_no_clause(front: Front) -> None:
    assert front.text("SELECT format('{}-{}', 'a', 'b') AS format") == "a-b\n"

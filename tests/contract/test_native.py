"""``FORMAT Native`` for clients of a protocol revision: clickhouse-go asks for 54460 and understands nothing else."""

from __future__ import annotations

import pytest

from tests.contract.conftest import Front

COLUMNS = {
    "number": "number",
    "text": "concat('한글', toString(number))",
    "long": "repeat('x', 200)",
    "day": "toDate('2026-11-23')",
    "moment": "toDateTime64('2026-11-23 01:02:03.000000004', 9, 'Asia/Seoul')",
    "few": "toLowCardinality(toString(number % 3))",
    "wide": "toLowCardinality(toString(number))",
    "maybe": "if(number % 2, toString(number), NULL)",
    "few_or_none": "toLowCardinality(if(number % 2, toString(number), NULL))",
    "labels": "map('k', toString(number))",
    "attributes": "CAST(map('key', 'v'), 'Map(LowCardinality(String), String)')",
    "nothing": "CAST(map(), 'Map(LowCardinality(String), String)')",
    "events": "arrayResize([toLowCardinality('a')], number % 3)",
    "nested": "[[number], [], [1, 2]]",
    "pair": "CAST((1, 'a'), 'Tuple(`odd name` UInt8, b String)')",
    "kind": "CAST('a,(', 'Enum8(\\'a,(\\' = 1)')",
    "price": "toDecimal64(number, 3)",
    "large": "toDecimal256(number, 3)",
    "fixed": "toFixedString('ab', 5)",
    "id": "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')",
    "span": "toIntervalDay(1)",
}


def native(front: Front, sql: str, **values: str) -> bytes:
    answer = front.ask(f"{sql} FORMAT Native", **values)
    assert answer.status_code == 200, answer.text
    return answer.content


def text(value: str) -> bytes:
    return bytes([len(value.encode())]) + value.encode()


@pytest.mark.parametrize("revision", [51903, 54460])
@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_among_others(front: Front, name: str, revision: int) -> None:
    """Read with the column alone as a guide to where it ends: what follows it must begin there."""
    sql = f"SELECT {COLUMNS[name]} AS {name}, 'end' AS last FROM numbers(7)"
    alone = native(front, f"SELECT {COLUMNS[name]} AS {name} FROM numbers(7)")
    at = 2 + len(text(name))
    head = alone[2 : at + 1 + alone[at]]  # the name, and the type with its length
    assert alone.startswith(b"\x01\x07" + text(name))
    usual = b"\x00" if revision == 54460 else b""
    expected = b"\x01\x00\x02\xff\xff\xff\xff\x00" + b"\x02\x07" + head + usual
    expected += alone[2 + len(head) :] + text("last") + text("String") + usual + text("end") * 7
    found = native(front, sql, client_protocol_version=str(revision))
    assert found.startswith(expected)
    whole = native(front, sql, client_protocol_version=str(revision), wait_end_of_query="1")
    assert whole.startswith(expected)


def test_many_blocks(front: Front) -> None:
    blocks = native(
        front, "SELECT number FROM numbers(150000)", max_block_size="50000", client_protocol_version="54460"
    )
    assert blocks.count(b"\x01\x00\x02\xff\xff\xff\xff\x00\x01") >= 3


def test_statements_that_are_no_select_have_it_too(front: Front, table: str) -> None:
    answer = front.ask(f"DESCRIBE TABLE {table}", default_format="Native", client_protocol_version="54460")
    assert answer.content.startswith(b"\x01\x00\x02\xff\xff\xff\xff\x00\x07\x03")


def test_what_cannot_be_walked_is_said(embedded: Front) -> None:
    answer = embedded.ask("SELECT sumState(1) AS s FORMAT Native", client_protocol_version="54460")
    assert answer.status_code == 501
    assert "AggregateFunction" in answer.text

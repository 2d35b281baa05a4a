"""SQL of the caller's own: what runs, what is refused, what the types become."""

from __future__ import annotations

from typing import Any

import httpx
import pyarrow as pa
import pytest

from airis_ray.analytics.wire_types import converters
from airis_ray.web.arrow import ARROW_STREAM
from tests.support import records
from tests.support.local_store import LocalStore


async def rows_of(http: httpx.AsyncClient, sql: str, **parameters: Any) -> list[list[Any]]:
    answer = await http.post("/sql", json={"sql": sql, "parameters": parameters})
    assert answer.status_code == 200, answer.text
    rows: list[list[Any]] = answer.json()["rows"]
    return rows


async def arrow_of(http: httpx.AsyncClient, sql: str, **parameters: Any) -> pa.Table:
    body = {"sql": sql, "parameters": parameters}
    answer = await http.post("/sql", json=body, headers={"Accept": ARROW_STREAM})
    assert answer.status_code == 200, answer.text
    with pa.ipc.open_stream(answer.content) as reader:
        return reader.read_all()


async def test_the_callers_rows_alone(
    migrated_store: LocalStore, tenant: str, http: httpx.AsyncClient
) -> None:
    for owner, body in ((tenant, "mine"), (f"{tenant}-other", "theirs")):
        row = {"Timestamp": records.START, "Body": body}
        await migrated_store.insert("otel_logs", records.log(owner, row))
    assert await rows_of(http, "SELECT Body FROM otel_logs WHERE Body IN ('mine', 'theirs')") == [["mine"]]
    assert (await arrow_of(http, "SELECT Body FROM otel_logs")).to_pylist() == [{"Body": "mine"}]


async def test_parameters_are_bound(http: httpx.AsyncClient) -> None:
    sql = """
        SELECT {a:String} AS a, {b:Float64} + 1 AS b, {c:Array(UInt8)} AS c, {d:Nullable(String)} AS d, {e:Bool} AS e
    """
    rows = await rows_of(http, sql, a="x' OR 1=1 --", b=1.5, c=[1, 2], d=None, e=True)
    assert rows == [["x' OR 1=1 --", 2.5, [1, 2], None, True]]
    table = await arrow_of(http, sql, a="한글", b=1, c=[], d="\\N", e=False)
    assert table.to_pylist() == [{"a": "한글", "b": 2.0, "c": [], "d": "\\N", "e": False}]


TYPES = """
SELECT toDateTime('2100-01-01 00:00:00', 'UTC') AS at, CAST(NULL, 'Nullable(DateTime)') AS never,
    toDateTime64('2100-01-01 00:00:00.123456789', 9, 'UTC') AS exact, toDate('2100-01-01') AS day,
    CAST('b', 'Enum8(''a'' = 1, ''b'' = 2)') AS choice, toIPv4('10.0.0.1') AS v4, toIPv6('::1') AS v6,
    toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0') AS id, toInt128(-5) AS big, toFixedString('ab', 4) AS fixed,
    toUInt32(7) AS plain, map('k', 'v') AS map, 0 / 0 AS nan, toUInt64(18446744073709551615) AS widest
"""
SHOWN = {
    "at": "2100-01-01T00:00:00.000000000Z",
    "never": None,
    "exact": "2100-01-01T00:00:00.123456789Z",
    "day": "2100-01-01",
    "choice": "b",
    "v4": "10.0.0.1",
    "v6": "::1",
    "id": "61f0c404-5cb3-11e7-907b-a6006ad3dba0",
    "big": "-5",
    "fixed": "ab",
    "plain": 7,
    "map": {"k": "v"},
    "nan": None,
    "widest": 18446744073709551615,
}


async def test_types_are_what_they_were_in_clickhouse(http: httpx.AsyncClient) -> None:
    answer = (await http.post("/sql", json={"sql": TYPES})).json()
    names = [column["name"] for column in answer["columns"]]
    assert dict(zip(names, answer["rows"][0], strict=True)) == SHOWN
    assert answer["columns"][0] == {"name": "at", "type": "timestamp"}


async def test_arrow_has_the_same_types(http: httpx.AsyncClient) -> None:
    for table in (
        await arrow_of(http, TYPES),
        await arrow_of(http, f"SELECT * FROM ({TYPES}) WHERE plain = 8"),
    ):
        assert table.schema.field("at").type == pa.timestamp("s", tz="UTC")
        assert table.schema.field("choice").type == pa.string()
        assert table.schema.field("plain").type == pa.uint32()


NESTED = """
SELECT [toDateTime('2100-01-01 00:00:00', 'UTC')] AS times, [[toIPv4('10.0.0.1')], []] AS hosts,
    CAST(map('k', 'b'), 'Map(String, Enum8(''a (,'' = 1, ''b'' = 2))') AS choices,
    map(toDateTime('2100-01-01 00:00:00', 'UTC'), [1, NULL]) AS by_time,
    CAST(('2100-01-01 00:00:00', 7), 'Tuple(at Nullable(DateTime(''UTC'')), `n (b` UInt32)') AS named,
    CAST((toDateTime('2100-01-01 00:00:00', 'UTC'), 1), 'SimpleAggregateFunction(max, Tuple(DateTime(''UTC''), UInt8))')
        AS last,
    groupArray((toDateTime(4102444800 + number, 'UTC'), number)) AS found, emptyArrayDateTime() AS none
FROM numbers(2)
"""


async def test_types_within_others_are_those_of_clickhouse_too(http: httpx.AsyncClient) -> None:
    at = "2100-01-01T00:00:00.000000000Z"
    assert await rows_of(http, NESTED) == [
        [
            [at],
            [["10.0.0.1"], []],
            {"k": "b"},
            {at: [1, None]},
            {"at": at, "n (b": 7},
            {"1": at, "2": 1},
            [{"1": at, "2": 0}, {"1": "2100-01-01T00:00:01.000000000Z", "2": 1}],
            [],
        ]
    ]
    for sql in (NESTED, f"SELECT * FROM ({NESTED}) WHERE 0"):
        table = await arrow_of(http, sql)
        assert table.schema.field("times").type.value_type == pa.timestamp("s", tz="UTC")
        assert table.schema.field("choices").type.item_type == pa.string()


async def test_an_empty_answer_has_its_columns(http: httpx.AsyncClient) -> None:
    answer = (await http.post("/sql", json={"sql": "SELECT 1 AS one, 'a' AS a WHERE 0;"})).json()
    assert [column["name"] for column in answer["columns"]] == ["one", "a"]
    assert answer["rows"] == []
    table = await arrow_of(http, "SELECT 1 AS one, 'a' AS a WHERE 0; -- nothing")
    assert table.column_names == ["one", "a"]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DROP TABLE otel_logs", "SELECT"),
        ("SELECT 1; SELECT 2", ""),
        ("SELECT * FROM file('/etc/passwd')", "file"),
        ("SELECT * FROM airis_keys", "airis_keys"),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", "OUTFILE"),
        ("SELECT 1 FORMAT JSON", "FORMAT"),
        ("SELECT 1 SETTINGS max_execution_time = 0", "max_execution_time"),
        ("SELECT nothing FROM otel_logs", "nothing"),
        ("SELECT 1 +", ""),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", ARROW_STREAM])
async def test_what_is_refused(http: httpx.AsyncClient, sql: str, says: str, accept: str) -> None:
    answer = await http.post("/sql", json={"sql": sql}, headers={"Accept": accept})
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/sql"
    assert says in error["detail"]


async def test_bad_parameters(http: httpx.AsyncClient) -> None:
    answer = await http.post("/sql", json={"sql": "SELECT {wanted:String}", "parameters": {"other": 1}})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] in ("/parameters/wanted", "/sql")
    answer = await http.post("/sql", json={"sql": "SELECT 1", "parameters": {"a-b": 1}})
    assert answer.status_code == 400
    answer = await http.post("/sql", json={"sql": "SELECT 1", "params": {}})
    assert "did you mean parameters?" in answer.json()["errors"][0]["detail"]


def test_wrapped_types_are_seen_through() -> None:
    found = converters(
        ["LowCardinality(Nullable(FixedString(2)))", "DateTime64(9)", "Nullable(DateTime('UTC'))", "String"]
    )
    assert sorted(found) == [0, 2]
    column = pa.chunked_array([pa.array([b"a\0", None])])
    assert found[0](column).to_pylist() == ["a", None]

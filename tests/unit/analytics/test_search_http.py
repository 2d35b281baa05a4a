"""Search and fields over HTTP."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import orjson
import pyarrow as pa
import pytest

from airis_ray.analytics.tables import CURSOR_HEADER
from airis_ray.web.arrow import ARROW_STREAM
from tests.support import records
from tests.support.local_store import LocalStore


@pytest.fixture
async def stored(migrated_store: LocalStore, tenant: str) -> None:
    listed = [
        {"Timestamp": records.START + n, "Body": f"결제 {n}", "ServiceName": "cart", "SeverityText": "ERROR"}
        for n in range(5)
    ]
    await migrated_store.insert("otel_logs", records.log(tenant, *listed))


BODY: dict[str, Any] = {"query": "결제 level:error", "from": "now-1h", "fields": ["time", "body"], "limit": 2}


@pytest.mark.usefixtures("stored")
async def test_pages_of_json(http: httpx.AsyncClient) -> None:
    first = (await http.post("/search", json=BODY)).json()
    assert first["columns"] == [{"name": "time", "type": "timestamp"}, {"name": "body", "type": "string"}]
    assert first["rows"] == [
        ["2100-01-01T00:00:00.000000004Z", "결제 4"],
        ["2100-01-01T00:00:00.000000003Z", "결제 3"],
    ]
    assert set(first["stats"]) == {"rows_read", "bytes_read", "elapsed_ms"}
    second = (await http.post("/search", json={**BODY, "cursor": first["cursor"]})).json()
    third = (await http.post("/search", json={**BODY, "cursor": second["cursor"]})).json()
    assert [row[1] for row in second["rows"] + third["rows"]] == ["결제 2", "결제 1", "결제 0"]
    assert third["cursor"] is None


@pytest.mark.usefixtures("stored")
async def test_pages_of_arrow(http: httpx.AsyncClient) -> None:
    bodies: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        answer = await http.post("/search", json={**BODY, "cursor": cursor}, headers={"Accept": ARROW_STREAM})
        assert answer.headers["content-type"] == ARROW_STREAM
        with pa.ipc.open_stream(answer.content) as reader:
            table = reader.read_all()
        assert table.schema.field("time").type.unit == "ns"
        bodies += table.column("body").to_pylist()
        cursor = answer.headers.get(CURSOR_HEADER)
    assert bodies == [f"결제 {n}" for n in (4, 3, 2, 1, 0)]
    assert cursor is None


@pytest.mark.usefixtures("stored")
async def test_defaults_ask_for_everything_of_the_last_hour(http: httpx.AsyncClient) -> None:
    answer = (await http.post("/search", json={})).json()
    assert len(answer["rows"]) == 5
    assert {"Timestamp", "Body", "TemplateId"} <= {column["name"] for column in answer["columns"]}


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({"querry": "a"}, "/querry", "did you mean query?"),
        ({"signal": "log"}, "/signal", "'logs'"),
        ({"limit": 0}, "/limit", "greater than or equal to 1"),
        ({"limit": 10_001}, "/limit", "less than or equal to 10000"),
        (
            {"query": "service:"},
            "/query",
            'at character 9: found the end of the query, expected a value after "service:"',
        ),
        ({"query": "duration:>x", "signal": "traces"}, "/query", "does not fit Duration"),
        ({"from": "yesterday"}, "/from", "RFC 3339"),
        ({"from": "now", "to": "now-1h"}, "/from", "not before"),
        ({"order": "up"}, "/order", "asc|desc"),
        ({"cursor": "x"}, "/cursor", "no cursor of ours"),
        ({"query": "a" * 5001}, "/query", "at most 5000"),
    ],
)
async def test_bad_requests(http: httpx.AsyncClient, body: dict[str, Any], pointer: str, says: str) -> None:
    answer = await http.post("/search", json=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert says in error["detail"]


@pytest.mark.usefixtures("stored")
async def test_fields_and_values(http: httpx.AsyncClient) -> None:
    listed = (await http.get("/fields", params={"prefix": "serv"})).json()
    assert {"name": "ServiceName", "type": "string", "source": "column", "count": 5} in listed
    assert {"name": "service.name", "type": "string", "source": "ResourceAttributes", "count": 5} in listed
    for name in ("service", "service.name"):
        found = (await http.get(f"/fields/{name}/values", params={"signal": "logs", "from": "now-1h"})).json()
        assert found == [{"value": "cart", "count": 5}]
    assert (await http.get("/fields/odd/key%2Fname/values")).json() == []
    answer = await http.get("/fields/service/values", headers={"Accept": ARROW_STREAM})
    with pa.ipc.open_stream(answer.content) as reader:
        assert reader.read_all().to_pylist() == [{"value": "cart", "count": 5}]


async def test_unknown_parameters_name_the_nearest(http: httpx.AsyncClient) -> None:
    answer = await http.get("/fields", params={"prefx": "a"})
    assert answer.status_code == 400
    assert "did you mean prefix?" in answer.json()["errors"][0]["detail"]


GZIPPED = gzip.compress(orjson.dumps(BODY), mtime=0)  # the same in every process


@pytest.mark.parametrize(
    ("content", "coding", "status", "says"),
    [
        (GZIPPED, "gzip", 415, "Content-Encoding is gzip; expected a body without one"),
        (GZIPPED, "", 400, "the body is not JSON: it is no utf-8 at byte 1"),
        ('{"query": "결제"}'.encode("euc-kr"), "", 400, "it is no utf-8 at byte 11"),
        (b'{"query": ' + b"[" * 100_000, "", 400, "nested too deep"),
        (b'{"limit": ' + b"1" * 5000 + b"}", "", 400, "a number in it is too long"),
    ],
)
async def test_a_body_that_cannot_be_read_is_told_why(
    http: httpx.AsyncClient, content: bytes, coding: str, status: int, says: str
) -> None:
    headers = {"content-type": "application/json", "content-encoding": coding}
    answer = await http.post("/search", content=content, headers=headers)
    assert (answer.status_code, says in answer.json()["detail"]) == (status, True), answer.text

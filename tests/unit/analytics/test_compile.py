"""What a query finds: every form over real rows, and that what it says never becomes SQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airis_ray.analytics.compile import columns_read, compile_filter, query_filter
from airis_ray.analytics.signals import SOURCES
from airis_ray.analytics.sql import Sql, quote_identifier
from airis_ray.analytics.syntax import parse
from airis_ray.errors import InvalidInput
from airis_ray.store import Query
from tests.support import records
from tests.support.local_store import LocalStore
from tests.support.queries import SHREDS, TREES

MINUTE = 60 * 10**9
TENANT = "compile"

LOGS = (
    {
        "Body": "결제 승인이 거절되었습니다: 사유=한도초과 주문=A1",
        "SeverityText": "ERROR",
        "ServiceName": "payment",
    },
    {
        "Body": "Connection REFUSED by peer",
        "SeverityText": "Warning",
        "SeverityNumber": 13,
        "ServiceName": "cart",
    },
    {
        "Body": "100% of c:\\temp\\_x used",
        "SeverityNumber": 17,
        "ServiceName": "cart",
        "LogAttributes": {"n": "7"},
    },
    {
        "Body": "100 percent",
        "SeverityText": "critical",
        "ServiceName": "ad",
        "LogAttributes": {"n": "12", "k": "*"},
    },
    {
        "Body": "서버에서 응답이 없습니다",
        "SeverityText": "Info",
        "ServiceName": "ad",
        "ResourceAttributes": {"n": "-3.5e1", "host.name": "h1", "cloud.region": "us-east-1"},
        "ScopeAttributes": {"s": "1"},
    },
    {"Body": "", "SeverityText": "NOTICE", "SeverityNumber": 10, "LogAttributes": {"n": "many", "empty": ""}},
)
SPANS = (
    {
        "SpanName": "POST /api/checkout",
        "SpanKind": "Server",
        "StatusCode": "Error",
        "Duration": 600_000_000,
        "SpanAttributes": {"http.response.status_code": "503", "app.country": "KR"},
        "Events.Name": ["exception", "retry"],
        "Events.Timestamp": [1, 2],
        "Events.Attributes": [{"a": "b"}, {}],
    },
    {
        "SpanName": "GET",
        "SpanKind": "SPAN_KIND_CLIENT",
        "StatusCode": "STATUS_CODE_ERROR",
        "Duration": 500_000_000,
        "SpanAttributes": {"http.status_code": "404", "db.statement": "SELECT 1"},
    },
    {
        "SpanName": "SELECT shop.cart",
        "SpanKind": "Internal",
        "StatusCode": "Unset",
        "Duration": 1,
        "SpanAttributes": {"app.country": "US", "app.order.amount": "50000", "db.query.text": "SELECT 2"},
        "ResourceAttributes": {"app.order.amount": "7", "k8s.pod.name": "p-1"},
    },
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def store(migrated_store: LocalStore) -> AsyncIterator[LocalStore]:
    """The store with the rows above, each a minute after the one before."""
    for table, listed in (("otel_logs", LOGS), ("otel_traces", SPANS)):
        stamped = [
            {**row, "Timestamp": records.START + n * MINUTE, "TraceId": f"{n:032x}"}
            for n, row in enumerate(listed)
        ]
        await migrated_store.insert(table, records.batch(table, TENANT, stamped))
    yield migrated_store


async def matching(store: LocalStore, condition: Sql, table: str) -> list[int]:
    """The numbers (minutes after the start) of the rows that meet the condition."""
    sql = f"SELECT Timestamp FROM {table} WHERE {condition.text} ORDER BY Timestamp"
    found = (await store.query(Query(sql, condition.parameters, tenant=TENANT))).table["Timestamp"]
    return [(int(each.value) - records.START) // MINUTE for each in found]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [0, 1, 2, 3, 4, 5]),
        ("한도초과", [0]),
        ("서버", [4]),
        ("도", [0]),
        ('"승인이 거절"', [0]),
        ("connection", [1]),
        ('"connection refused"', [1]),
        ("100%", [2]),
        ('"_x"', [2]),
        (r'"c:\temp"', [2]),
        ("conn*peer", [1]),
        ("r?fused", [1]),
        ("응답?", [4]),
        ("100 or 서버", [2, 3, 4]),
        ("-100", [0, 1, 4, 5]),
        ("service:cart", [1, 2]),
        ("service:Cart", []),
        ("service:(cart or ad) 100", [2, 3]),
        ("servicename:cart", [1, 2]),
        ("ServiceName:c*", [1, 2]),
        ("service:*", [0, 1, 2, 3, 4]),
        ("-service:*", [5]),
        ('service:""', [5]),
        ("level:error", [0, 2]),
        ("level:ERROR", [0, 2]),
        ("level:(error or fatal)", [0, 2, 3]),
        ("level:warn", [1]),
        ("severity:WARNING", [1]),
        ("level:>=warn", [0, 1, 2, 3]),
        ("level:[debug TO info]", [4, 5]),
        ("level:<trace", []),
        ("not level:(info or debug)", [0, 1, 2, 3]),
        ("level:notice", []),
        ("level:err*", [0, 2]),
        ("level:*", [0, 1, 2, 3, 4, 5]),
        ("SeverityText:critical", [3]),
        ("SeverityNumber:[13 TO 17]", [1, 2]),
        ("SeverityNumber:1*", [1, 2, 5]),
        ("n:7", [2]),
        ("n:>5", [2, 3]),
        ("n:>=7 n:<12", [2]),
        ("n:{7 TO 12]", [3]),
        ("n:[* TO 0]", [4]),
        ("-n:>5", [0, 1, 4, 5]),
        ("n:*", [2, 3, 4, 5]),
        ("-n:*", [0, 1]),
        ("n:>m", [5]),
        ("n:m*y", [5]),
        ("n:?", [2]),
        (r"k:\*", [3]),
        ("k:*", [3]),
        ("empty:*", []),
        ('empty:""', [0, 1, 2, 3, 4, 5]),
        ("host:h1", [4]),
        ("host.name:h1", [4]),
        ("cloud.region:us-east-1", [4]),
        ("ResourceAttributes.n:*", [4]),
        ("LogAttributes.n:*", [2, 3, 5]),
        ("ScopeAttributes.s:1", [4]),
        ("ResourceAttributes:*", [0, 1, 2, 3, 4, 5]),
        ("Timestamp:>=2100-01-01T00:04:00Z", [4, 5]),
        ("time:[2100-01-01T00:01:00Z TO 2100-01-01T00:02:00Z]", [1, 2]),
        ("Timestamp:>now-90s", [5]),
        ("trace:00000000000000000000000000000003", [3]),
        ("body:*refused*", [1]),
        ('body:"100 PERCENT"', [3]),
        ("body:100", []),
        ("*", [0, 1, 2, 3, 4, 5]),
        ("nobody.has.this:*", []),
        ("-nobody.has.this:x", [0, 1, 2, 3, 4, 5]),
    ],
)
async def test_logs(store: LocalStore, query: str, expected: list[int]) -> None:
    condition = query_filter(query, "logs", now_ns=records.START + 6 * MINUTE)
    assert await matching(store, condition, "otel_logs") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("checkout", [0]),
        ("SHOP.CART", [2]),
        ("status:error", [0, 1]),
        ("status:ERROR", [0, 1]),
        ("StatusCode:STATUS_CODE_ERROR", [0, 1]),
        ("status:(ok or unset)", [2]),
        ("status:err*", [0]),
        ("status:strange", []),
        ("kind:client", [1]),
        ("SpanKind:Server", [0]),
        ("SpanKind:(Server or Client)", [0, 1]),
        ("duration:>500ms", [0]),
        ("duration:>=0.5s", [0, 1]),
        ("duration:500ms", [1]),
        ("duration:[1ns TO 500ms]", [1, 2]),
        ("duration:{1 TO 500000000}", []),
        ("Duration:<1us", [2]),
        ("duration:>-1", [0, 1, 2]),
        ("duration:<1e30", [0, 1, 2]),
        ("duration:>1e400d", []),
        ("http.status_code:[500 TO 599]", [0]),
        ("http.status_code:404", [1]),
        ("http.response.status_code:404", [1]),
        ("http.response.status_code:>=400", [0, 1]),
        ("-http.status_code:404", [0, 2]),
        ("http.status_code:*", [0, 1]),
        ("db.query.text:*select*", []),
        ("db.query.text:SELECT*", [1, 2]),
        ("db.statement:SELECT*", [1, 2]),
        ("-app.country:KR", [1, 2]),
        ("app.country:(KR or US)", [0, 2]),
        ("app.order.amount:>10000", [2]),
        ("app.order.amount:7", []),
        ("ResourceAttributes.app.order.amount:7", [2]),
        ("pod:p-1", [2]),
        ("name:GET", [1]),
        ("name:get", []),
        ("Events.Name:exception", [0]),
        ("Events.Name:ex*", [0]),
        ("Events.Name:>p", [0]),
        ("Events.Name:*", [0]),
        ("Events.Timestamp:*", [0]),
        ("-Events.Name:exception", [1, 2]),
    ],
)
async def test_spans(store: LocalStore, query: str, expected: list[int]) -> None:
    assert await matching(store, query_filter(query, "traces"), "otel_traces") == expected


@pytest.mark.parametrize(
    ("query", "signal", "at", "problem"),
    [
        ("duration:>fast", "traces", 10, '"fast" does not fit Duration; expected a duration'),
        ("duration:5*0", "traces", 10, ""),
        ("SeverityNumber:error", "logs", 16, "expected a number"),
        ("SeverityNumber:>5ms", "logs", 16, "expected a number"),
        ("level:>loud", "logs", 7, "expected one of trace, debug"),
        ("Timestamp:>noon", "logs", 11, "RFC 3339"),
        ("Timestamp:>now-5m", "logs", 11, "absolute"),
        ("Timestamp:2100*", "logs", 11, "takes no wildcards"),
        ("a ResourceAttributes:x", "logs", 22, "name a key of it"),
        ("Events.Timestamp:5", "traces", 18, "Events.Timestamp:*"),
        ("IsMonotonic:maybe", "metrics", 13, "true or false"),
    ],
)
def test_a_value_that_does_not_fit_its_field(query: str, signal: str, at: int, problem: str) -> None:
    table = "otel_metrics_sum" if signal == "metrics" else None
    if not problem:
        assert query_filter(query, signal, table=table)
        return
    with pytest.raises(InvalidInput) as caught:
        query_filter(query, signal, table=table, pointer="/baseline/query")
    (error,) = caught.value.errors
    assert error.pointer == "/baseline/query"
    assert error.detail.startswith(f"at character {at}: ")
    assert problem in error.detail


@pytest.mark.parametrize(
    ("query", "signal", "columns"),
    [
        ("service:cart level:error", "logs", {"ServiceName", "SeverityText", "SeverityNumber"}),
        ("timeout", "logs", {"Body"}),
        ("checkout kind:server", "traces", {"SpanName", "SpanKind"}),
        ("", "traces", set()),
        ("service:cart app.country:KR", "traces", None),
    ],
)
def test_the_columns_a_query_reads(query: str, signal: str, columns: set[str] | None) -> None:
    assert columns_read(parse(query), signal) == columns


SIGNALS: Sequence[str] = ("logs", "traces", "sessions", "metrics")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        SHREDS, st.sampled_from(["a' OR 1=1 --", "x:') OR ('1'='1", "{p:String}:{q:Int8}", "`:`", "%s"])
    )
)
async def test_user_text_never_becomes_sql(query: str) -> None:
    marked = f'{query} zq:"zqz\' zqz" zqz\\`zqz:zqz'
    for signal in SIGNALS:
        try:
            condition = query_filter(marked, signal, now_ns=records.START)
        except InvalidInput:
            continue
        assert "zq" not in condition.text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TREES, st.sampled_from(SIGNALS))
async def test_every_query_that_compiles_runs_and_its_negation_is_the_rest(
    store: LocalStore, node, signal
) -> None:
    source = SOURCES[signal]
    try:
        condition = compile_filter(node, signal, now_ns=records.START)
    except InvalidInput:
        return
    counted = (
        f"SELECT countIf({condition.text}) AS yes, countIf(NOT ({condition.text})) AS no, count() AS whole"
    )
    answer = await store.query(Query(f"{counted} FROM {source.table}", condition.parameters, tenant=TENANT))
    (row,) = answer.table.to_pylist()
    assert row["yes"] + row["no"] == row["whole"]


@pytest.mark.parametrize("signal", SIGNALS)
async def test_every_column_of_a_signal_is_one_of_its_table(store: LocalStore, signal: str) -> None:
    source = SOURCES[signal]
    names = [name for name in source.columns if name != "level"]
    listed = ", ".join(quote_identifier(name).text for name in names)
    answer = await store.query(Query(f"SELECT {listed} FROM {source.table} LIMIT 0", tenant=TENANT))
    assert answer.table.column_names == names
    assert set(source.aliases.values()) <= set(source.columns)
    assert {source.time, source.text} <= set(names)

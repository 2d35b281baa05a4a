"""Search: what comes back, in which order, and pages that neither repeat nor skip a row."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airis_ray.aiops.watch.findings import Finding, Subject, write
from airis_ray.analytics import cursors
from airis_ray.analytics.ranges import within
from airis_ray.analytics.search import Page, SearchRequest, search
from airis_ray.analytics.signals import SOURCES
from airis_ray.errors import InvalidInput
from airis_ray.store import Query
from airis_ray.telemetry.tables import LOGS
from airis_ray.telemetry.times import TimeRange
from tests.support import records
from tests.support.local_store import LocalStore

SECOND = 10**9
NOW = records.START + 3600 * SECOND


async def ask(store: LocalStore, tenant: str, **request: Any) -> Page:
    request = {"from": records.START, "to": "now", **request}
    return await search(store, SearchRequest.model_validate(request), tenant, NOW)


async def pages(store: LocalStore, tenant: str, **request: Any) -> list[Page]:
    found = [await ask(store, tenant, **request)]
    while found[-1].cursor is not None:
        assert len(found) < 200
        found.append(await ask(store, tenant, cursor=found[-1].cursor, **request))
    return found


def together(found: list[Page]) -> list[dict[str, Any]]:
    return pa.concat_tables([page.table for page in found]).to_pylist()


async def test_columns_and_rows_are_as_inserted(migrated_store: LocalStore, tenant: str) -> None:
    batch = records.log(
        tenant,
        {
            "Timestamp": records.START,
            "Body": "결제",
            "ServiceName": "cart",
            "LogAttributes": {"a": "1"},
            "TraceFlags": 1,
        },
        {"Timestamp": records.START + 1, "Body": "b", "SeverityText": "ERROR"},
    )
    await migrated_store.insert("otel_logs", batch)
    page = await ask(migrated_store, tenant)
    assert page.cursor is None
    assert page.table.column_names == [*LOGS.names, "TemplateId"]
    assert page.table.column("Timestamp").cast(pa.int64()).to_pylist() == [records.START + 1, records.START]
    # ClickHouse answers maps in the order they were sent in.
    shown = page.table.drop_columns(["Timestamp", "TemplateId"]).to_pylist()
    assert shown == pa.Table.from_batches([batch]).drop_columns(["Timestamp"]).to_pylist()[::-1]


async def test_spans_with_events_and_links(migrated_store: LocalStore, tenant: str) -> None:
    batch = records.span(
        tenant,
        {
            "Timestamp": records.START,
            "SpanName": "GET",
            "Duration": 5,
            "Events.Timestamp": [records.START],
            "Events.Name": ["exception"],
            "Events.Attributes": [{"k": "v"}],
        },
    )
    await migrated_store.insert("otel_traces", batch)
    page = await ask(
        migrated_store, tenant, signal="traces", fields=["Events.Name", "Events.Attributes", "duration"]
    )
    assert page.table.to_pylist() == [
        {"Events.Name": ["exception"], "Events.Attributes": [[("k", "v")]], "duration": 5}
    ]
    whole = await ask(migrated_store, tenant, signal="traces")
    assert whole.table.column_names == batch.schema.names


async def test_fields_are_named_as_asked(migrated_store: LocalStore, tenant: str) -> None:
    row = {"Timestamp": records.START, "SeverityNumber": 18, "ResourceAttributes": {"host.name": "h"}}
    await migrated_store.insert("otel_logs", records.log(tenant, row))
    fields = ["level", "host", "LogAttributes.x", "it's `odd`", "level"]
    page = await ask(migrated_store, tenant, fields=fields)
    assert page.table.to_pylist() == [
        {"level": "error", "host": "h", "LogAttributes.x": "", "it's `odd`": ""}
    ]


async def test_ranges_are_half_open_and_other_tenants_unseen(migrated_store: LocalStore, tenant: str) -> None:
    for owner in (tenant, f"{tenant}-other"):
        stamps = [records.START - 1, records.START, records.START + 9, records.START + 10]
        await migrated_store.insert(
            "otel_logs", records.log(owner, *({"Timestamp": each} for each in stamps))
        )
    page = await ask(migrated_store, tenant, to=records.START + 10, fields=["Timestamp"])
    assert page.table.column(0).cast(pa.int64()).to_pylist() == [records.START + 9, records.START]


async def test_nothing_found_has_its_columns(migrated_store: LocalStore, tenant: str) -> None:
    page = await ask(migrated_store, tenant, signal="sessions", query="nothing", fields=["time", "body"])
    assert page.table.num_rows == 0
    assert [str(field.type) for field in page.table.schema][1] == "string"
    assert pa.types.is_timestamp(page.table.schema.field("time").type)
    assert page.cursor is None


async def test_sessions(migrated_store: LocalStore, tenant: str) -> None:
    listed = [
        {"Timestamp": records.START + n * SECOND, "Body": f"event {n}", "ServiceName": "web"}
        for n in range(5)
    ]
    batch = records.log(tenant, *listed)
    await migrated_store.insert(
        "hyperdx_sessions", pa.Table.from_batches([batch]).drop_columns(["EventName"])
    )
    found = await pages(migrated_store, tenant, signal="sessions", query="event", limit=2)
    assert [row["Body"] for row in together(found)] == [f"event {n}" for n in (4, 3, 2, 1, 0)]
    one = {"from": records.START + 3 * SECOND, "to": records.START + 4 * SECOND}
    assert (await ask(migrated_store, tenant, signal="sessions", **one)).table.num_rows == 1


async def test_the_primary_key_narrows_a_range_of_logs(migrated_store: LocalStore, tenant: str) -> None:
    hour = 3600 * SECOND
    await migrated_store.command(
        "INSERT INTO otel_logs (Timestamp, ServiceName, ResourceAttributes)"
        f" SELECT fromUnixTimestamp64Nano({records.START} + number * {SECOND}), 'cart', map('airis.tenant', '{tenant}')"
        " FROM numbers(72000)"
    )
    condition = within(SOURCES["logs"], TimeRange(records.START + hour, records.START + 2 * hour))
    query = Query(
        f"EXPLAIN indexes = 1 SELECT 1 FROM otel_logs WHERE {condition.text}",
        condition.parameters,
        tenant=tenant,
    )
    plan = "\n".join((await migrated_store.query(query)).table.column(0).to_pylist())
    (chosen,) = re.findall(r"PrimaryKey.*?Granules: (\d+)/\d+", plan, re.DOTALL)
    assert int(chosen) <= 2


async def test_an_anomaly_is_found_once_in_its_newest_version(
    migrated_store: LocalStore, tenant: str
) -> None:
    subject = Subject("checkout", "traces", "error_rate", labels=(("pod", "a"),))
    start = records.START + 60 * SECOND
    for later, score in enumerate((0.6, 0.9)):
        end, told = start + (later + 1) * SECOND, ("errors rose", "오류가 늘었습니다")
        found = Finding(tenant, 1, subject, start, end, "level", score, "above", 0.1, 0.5, *told, "robust")
        await write(migrated_store, [found], now_ns=later * SECOND)
    for query in ("service:checkout score:>0.7", "errors", "늘었습니다", "pod:a", ""):
        page = await ask(migrated_store, tenant, signal="anomalies", query=query)
        assert page.table["score"].to_pylist() == [0.9], query
    assert page.table.column_names[:3] == ["id", "start", "end"]
    assert pa.types.is_timestamp(page.table.schema.field("start").type)
    nobody = await ask(migrated_store, tenant, signal="anomalies", query="score:<0.7")
    assert nobody.table.num_rows == 0
    with pytest.raises(InvalidInput):
        await ask(migrated_store, tenant, signal="anomalies", query="score:high")


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, [5, 4, 3, 2, 1, 0]),
        ("Timestamp asc", [0, 1, 2, 3, 4, 5]),
        ("time DESC", [5, 4, 3, 2, 1, 0]),
        ("service asc", [4, 2, 1, 5, 3, 0]),
        ("level desc", [0, 1, 2, 5, 4, 3]),
        ("SeverityNumber asc", [5, 4, 3, 2, 1, 0]),
        ("n desc", [2, 1, 0, 4, 3, 5]),
        ("n asc", [0, 1, 2, 3, 4, 5]),
    ],
)
async def test_orders(
    migrated_store: LocalStore, tenant: str, order: str | None, expected: list[int]
) -> None:
    numbers = ["-3", "9", "10", "a", "b"]
    listed = [
        {
            "Timestamp": records.START + n,
            "ServiceName": "bab"[n % 3] if n not in (1, 2) else "a",
            "SeverityNumber": (21, 17, 13, 0, 0, 0)[n],
            "SeverityText": "" if n != 5 else "info",
            "LogAttributes": {"n": numbers[n]} if n < 5 else {},
            "Body": str(n),
        }
        for n in range(6)
    ]
    await migrated_store.insert("otel_logs", records.log(tenant, *listed))
    request = {"fields": ["Body"]} if order is None else {"fields": ["Body"], "order": order}
    for limit in (1, 4, 6, 10):
        found = together(await pages(migrated_store, tenant, limit=limit, **request))
        assert [int(row["Body"]) for row in found] == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order", "Timestamp"),
        ("order", "desc"),
        ("order", "Timestamp down"),
        ("order", "Body asc"),
        ("order", "LogAttributes asc"),
        ("cursor", "!"),
        ("cursor", ""),
        ("cursor", "AAAA"),
        ("from", "yesterday"),
        ("query", "a:"),
    ],
)
async def test_bad_requests_name_the_field(
    migrated_store: LocalStore, tenant: str, field: str, value: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await ask(migrated_store, tenant, **{field: value})
    assert caught.value.errors[0].pointer == f"/{field}"


async def test_a_cursor_belongs_to_its_request(migrated_store: LocalStore, tenant: str) -> None:
    stamps = [{"Timestamp": records.START + n, "Body": "x"} for n in range(4)]
    await migrated_store.insert("otel_logs", records.log(tenant, *stamps))
    first = await ask(migrated_store, tenant, limit=2)
    assert first.cursor is not None
    for other in ({"query": "x"}, {"order": "Timestamp asc"}, {"to": "now-1s"}, {"signal": "traces"}):
        with pytest.raises(InvalidInput, match="another request"):
            await ask(migrated_store, tenant, cursor=first.cursor, **other)
    for tampered in (first.cursor[:-2], first.cursor + "AA", first.cursor.swapcase(), "A" + first.cursor[1:]):
        with pytest.raises(InvalidInput, match="no cursor of ours"):
            await ask(migrated_store, tenant, cursor=tampered)
    # Another limit and other fields are the same request.
    rest = await ask(migrated_store, tenant, cursor=first.cursor, limit=10, fields=["Timestamp"])
    assert rest.table.num_rows == 2


async def test_relative_times_stay_where_the_first_page_saw_them(
    migrated_store: LocalStore, tenant: str
) -> None:
    stamps = [{"Timestamp": NOW - n * SECOND} for n in (5, 4, 3, 2)]
    await migrated_store.insert("otel_logs", records.log(tenant, *stamps))
    body = {"from": "now-10s", "to": "now", "limit": 2, "query": "Timestamp:>now-5s"}
    first = await search(migrated_store, SearchRequest.model_validate(body), tenant, NOW)
    later = {**body, "cursor": first.cursor}
    second = await search(migrated_store, SearchRequest.model_validate(later), tenant, NOW + 8 * SECOND)
    assert second.table.num_rows == 1


async def test_rows_that_come_between_two_pages_move_nothing(migrated_store: LocalStore, tenant: str) -> None:
    await migrated_store.insert(
        "otel_logs",
        records.log(tenant, *({"Timestamp": records.START + 5, "Body": str(n)} for n in range(10))),
    )
    first = await ask(migrated_store, tenant, limit=4)
    late = [{"Timestamp": records.START + n, "Body": f"late {n} {m}"} for n in range(10) for m in range(5)]
    await migrated_store.insert("otel_logs", records.log(tenant, *late))
    found = [first]
    while found[-1].cursor is not None:
        found.append(await ask(migrated_store, tenant, limit=4, cursor=found[-1].cursor))
    bodies = [row["Body"] for row in together(found)]
    assert len(set(bodies)) == len(bodies)
    assert {str(n) for n in range(10)} <= set(bodies)


async def test_the_newest_rows_of_a_long_range_and_the_oldest(
    migrated_store: LocalStore, tenant: str
) -> None:
    stamps = [{"Timestamp": records.START + n * 60 * SECOND} for n in range(60)]
    await migrated_store.insert("otel_logs", records.log(tenant, *stamps))
    for order, expected in (("Timestamp desc", range(59, -1, -1)), ("Timestamp asc", range(60))):
        found = await pages(migrated_store, tenant, limit=7, order=order, fields=["Timestamp"])
        minutes = [(int(row["Timestamp"].value) - records.START) // (60 * SECOND) for row in together(found)]
        assert minutes == list(expected)
        assert len(found) == 9


_ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from("ab"), st.sampled_from(["", "1", "2", "x"])), max_size=25
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    _ROWS,
    st.integers(1, 7),
    st.sampled_from(["Timestamp desc", "Timestamp asc", "service asc", "service desc", "n desc", "n asc"]),
    st.sampled_from(["", "service:a", "-n:1"]),
)
async def test_pages_are_the_whole_cut_in_pieces(
    migrated_store: LocalStore, listed: list[tuple[int, str, str]], limit: int, order: str, query: str
) -> None:
    """Few distinct values and whole duplicates: ties at every border of a page."""
    tenant = f"t{uuid.uuid4().hex}"
    if listed:
        batch = records.log(
            tenant,
            *(
                {"Timestamp": records.START + at, "ServiceName": service, "LogAttributes": {"n": n}}
                for at, service, n in listed
            ),
        )
        await migrated_store.insert("otel_logs", batch)
    fields = ["Timestamp", "service", "n"]
    whole = await ask(migrated_store, tenant, order=order, query=query, fields=fields, limit=10_000)
    found = await pages(migrated_store, tenant, order=order, query=query, fields=fields, limit=limit)
    key = ["Timestamp", order.split()[0]]
    assert pa.concat_tables([page.table for page in found]).select(key) == whole.table.select(key)
    assert sorted(map(repr, together(found))) == sorted(map(repr, whole.table.to_pylist()))
    assert all(page.table.num_rows == limit for page in found[:-1])
    kept = [
        (records.START + at, service, n)
        for at, service, n in listed
        if (query != "service:a" or service == "a") and (query != "-n:1" or n != "1")
    ]
    stamps = whole.table.column(0).cast(pa.int64()).to_pylist()
    assert sorted(zip(stamps, *(whole.table.column(n).to_pylist() for n in (1, 2)), strict=True)) == sorted(
        kept
    )


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")))
def test_whatever_is_sent_as_a_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput):
        cursors.decode(cursor, "request")


@pytest.mark.parametrize(
    "changed",
    [
        {"start_ns": "x"},
        {"end_ns": 2**63},
        {"now_ns": None},
        {"at": "x"},
        {"key": [None]},
        {"key": 1},
        {"tie": []},
        {"tie": {"row_hash": -1, "same_key": 1, "same_row": 1}},
        {"tie": {"row_hash": 1, "same_key": "x", "same_row": 1}},
        {"more": 1},
        None,
    ],
)
def test_a_cursor_that_somebody_made_up_is_refused(changed: dict[str, object] | None) -> None:
    made = cursors.encode(cursors.Position(0, 2, 2, ("a", 1), cursors.Tie(1, 1, 1)), "request")
    assert cursors.decode(made, "request").key == ("a", 1)
    payload = json.loads(base64.urlsafe_b64decode(made + "=" * (-len(made) % 4))[8:])
    forged = json.dumps([] if changed is None else {**payload, **changed}).encode()
    check = hashlib.blake2b(forged, digest_size=8, person=b"airis cursor 1").digest()
    cursor = base64.urlsafe_b64encode(check + forged).decode().rstrip("=")
    with pytest.raises(InvalidInput, match="no cursor of ours"):
        cursors.decode(cursor, "request")


async def test_a_cursor_with_the_keys_of_another_order_is_refused(
    migrated_store: LocalStore, tenant: str
) -> None:
    request = cursors.digest("logs", "", records.START, "now", None)
    for key in ((1, 2), ("a", "b", 3)):
        cursor = cursors.encode(cursors.Position(0, 2, 2, key, None), request)
        with pytest.raises(InvalidInput, match="no cursor of ours"):
            await ask(migrated_store, tenant, cursor=cursor)

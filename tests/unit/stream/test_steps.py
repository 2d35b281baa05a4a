"""The steps one by one: decode, batch, claim, insert."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from airis_ray.settings import KafkaSettings, RetentionSettings
from airis_ray.stream.batch import Bounds, Collect
from airis_ray.stream.decode import Decode, Decoder
from airis_ray.stream.protocol import Partition, Received
from airis_ray.stream.repeats import Window
from airis_ray.stream.steps import Batch, Item
from airis_ray.telemetry.otlp import decode
from tests.support.virtual import run
from tests.unit.ingest.payloads import request
from tests.unit.stream.world import LOGS, NOW_NS, P0, POISON, SameThread, body, headers

DAY_NS = 86_400 * 10**9


def received(value: bytes, offset: int = 0, *, partition: Partition = P0, **changes: Any) -> Received:
    usual: dict[str, Any] = {"timestamp_ms": NOW_NS // 10**6, "key": None, "headers": headers(value)}
    return Received(partition, offset, value=value, **(usual | changes))


def decoded(*messages: Received, start: int = 0, retention: RetentionSettings | None = None) -> list[Item]:
    decoder = Decoder(KafkaSettings(tenant="collector"), retention or RetentionSettings(), SameThread())
    step = Decode(decoder, Window(100, 10**6), start)

    async def work() -> list[Item]:
        return [item for message in messages for item in await step.take(message)]

    return run(work())


def test_a_message_becomes_the_rows_that_ingest_would_have_stored() -> None:
    value = body(1, 2, 3)
    (item,) = decoded(received(value, headers=headers(value, records=3)))
    expected = decode("logs", value, tenant="default", received_ns=NOW_NS).tables
    assert item.tables == expected
    assert (item.rows, item.fate.accepted, item.fate.announced, item.dead) == (3, 3, 3, None)


@pytest.mark.parametrize(
    ("topic", "signal", "table"),
    [
        ("otlp_logs", "logs", "otel_logs"),
        ("otlp_spans", "traces", "otel_traces"),
        ("otlp_metrics", "metrics", "otel_metrics_gauge"),
    ],
)
def test_each_topic_has_its_signal(topic: str, signal: str, table: str) -> None:
    value = request(signal, 3, "shop").SerializeToString()
    now = {"headers": [("airis.received", str(10**9 * 1_800_000_000).encode())]}
    (item,) = decoded(
        received(value, partition=Partition(topic, 0), **now),
        retention=RetentionSettings(logs=0, traces=0, metrics=0),
    )
    assert list(item.tables) == [table]
    assert item.fate.signal == signal


def test_a_message_of_a_collector_belongs_to_the_tenant_of_the_settings_and_to_kafkas_time() -> None:
    (item,) = decoded(received(body(1), headers=()))
    assert (item.fate.tenant, item.fate.received_ns, item.fate.announced) == ("collector", NOW_NS, None)
    attributes = dict(item.tables["otel_logs"].column("ResourceAttributes")[0].as_py())
    assert attributes["airis.tenant"] == "collector"


def test_late_records_are_judged_by_the_time_of_their_request() -> None:
    """A backlog of a week loses nothing that ingest had let in, and what it had left out stays out."""
    old = NOW_NS - 40 * DAY_NS
    value = body(1)
    (kept,) = decoded(received(value))
    assert (kept.rows, kept.fate.expired) == (1, 0)
    late = [
        (name, str(NOW_NS + 40 * DAY_NS).encode() if name == "airis.received" else v)
        for name, v in headers(value)
    ]
    (gone,) = decoded(received(value, headers=late))
    assert (gone.rows, gone.fate.expired) == (0, 1)
    assert old < NOW_NS


def test_a_message_without_any_time_is_taken_as_it_is() -> None:
    (item,) = decoded(received(body(1), headers=(), timestamp_ms=0))
    assert (item.rows, item.dead) == (1, None)


def test_unreadable_messages_are_dead_with_a_reason() -> None:
    found = decoded(received(POISON), received(body(1), 1, headers=[("airis.tenant", b"No Tenant")]))
    assert [(item.dead.reason, item.rows) for item in found if item.dead] == [
        ("malformed", 0),
        ("headers", 0),
    ]
    assert found[1].dead is not None
    assert "No Tenant" in found[1].dead.exception


def test_records_of_too_many_days_for_one_insert_are_dead() -> None:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    message = ExportLogsServiceRequest()
    records = message.resource_logs.add().scope_logs.add().log_records
    for day in range(95):
        records.add(time_unix_nano=NOW_NS - day * DAY_NS)
    (item,) = decoded(received(message.SerializeToString()), retention=RetentionSettings(logs=0))
    assert item.dead is not None
    assert (item.dead.reason, item.rows) == ("too_many_days", 0)
    assert "95 different days" in item.dead.exception


def test_what_was_there_before_is_remembered_and_not_decoded_again() -> None:
    first, second = body(1), body(2)
    found = decoded(received(first, 7), received(second, 8), received(first, 9), start=8)
    assert [(item.message.offset, item.fate.repeated) for item in found] == [(8, False), (9, True)]
    assert [item.since for item in found] == [(7, 7), (7, 7)]


def test_the_decoder_failing_unforeseen_sets_the_message_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("airis_ray.stream.decode.decode", fail)
    (item,) = decoded(received(body(1)))
    assert item.dead is not None
    assert (item.dead.reason, item.dead.exception) == ("unforeseen", "RuntimeError('a fault of ours')")


def item(offset: int, rows: int = 1, *, nbytes: int = 10, days: frozenset[int] = frozenset([1])) -> Item:
    (made,) = decoded(received(body(offset), offset))
    return Item(made.message, made.tables, rows, nbytes, days, (offset, offset), made.fate)


def collected(collect: Collect, *items: Item) -> list[list[int]]:
    async def work() -> list[Batch]:
        found = [batch for each in items for batch in await collect.take(each)]
        return [*found, *await collect.flush()]

    return [[each.message.offset for each in batch.items] for batch in run(work())]


def bounds(**changes: Any) -> Bounds:
    return Bounds(**({"rows": 10, "seconds": 2.0, "nbytes": 1000} | changes))


def test_a_batch_closes_when_it_is_full_by_rows_bytes_or_days() -> None:
    assert collected(Collect(P0, bounds()), *(item(n, 4) for n in range(5))) == [[0, 1], [2, 3], [4]]
    assert collected(Collect(P0, bounds()), item(0, 1), item(1, 50), item(2, 1)) == [[0], [1], [2]]
    assert collected(Collect(P0, bounds(nbytes=25)), *(item(n) for n in range(5))) == [[0, 1], [2, 3], [4]]
    wide = [item(n, days=frozenset(range(40 * n, 40 * n + 40))) for n in range(4)]
    assert collected(Collect(P0, bounds()), *wide) == [[0, 1], [2, 3]]


def test_a_batch_that_is_made_again_ends_where_it_ended() -> None:
    many = [item(n, 9) for n in range(6)]
    assert collected(Collect(P0, bounds(), until=3), *many) == [[0, 1, 2, 3], [4], [5]]


def test_a_batch_that_is_made_again_waits_for_its_last_message() -> None:
    collect = Collect(P0, bounds(), until=9)
    assert collected(collect, item(3), item(4)) == []
    assert collect.due() is None
    assert collect.remaking
    assert collected(collect, item(9)) == [[3, 4, 9]]
    assert not collect.remaking


def test_a_batch_whose_last_messages_are_gone_ends_before_them() -> None:
    assert collected(Collect(P0, bounds(), until=5), item(4), item(7), item(8)) == [[4], [7, 8]]
    assert collected(Collect(P0, bounds(), until=5), item(7)) == [[7]]


def test_a_batch_is_due_so_long_after_its_first_message() -> None:
    async def work() -> None:
        collect = Collect(P0, bounds())
        assert collect.due() is None
        await asyncio.sleep(1)
        await collect.take(item_)
        await asyncio.sleep(1)
        await collect.take(item_)
        assert collect.due() == 3.0

    item_ = item(0)
    run(work())


def test_the_same_messages_have_the_same_token_and_others_have_others() -> None:
    def token(*offsets: int, at: int = 5, table: str = "otel_logs") -> str:
        items = [item(offset) for offset in offsets]
        last = items[-1].message
        items[-1] = Item(
            Received(P0, last.offset, at, None, last.value), {}, 0, 0, frozenset(), (0, 0), items[-1].fate
        )
        return Batch(P0, items, 0.0).token(table)

    assert token(3, 4) == token(3, 4) == f"{LOGS}:0:3:4:5:otel_logs"
    assert len({token(3, 4), token(3, 5), token(2, 4), token(3, 4, at=6), token(3, 4, table="t")}) == 5

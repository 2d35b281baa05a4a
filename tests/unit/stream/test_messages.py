from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airis_ray.errors import InvalidInput
from airis_ray.settings import KafkaSettings
from airis_ray.stream import messages
from airis_ray.stream.messages import Envelope, read_headers, write_headers
from tests.unit.ingest.payloads import request

ENVELOPE = Envelope(
    tenant="shop",
    received_ns=1_700_000_000_123_456_789,
    records=12,
    id=messages.message_id("shop", "logs", b"body"),
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


def test_topics_are_those_of_the_collectors_exporter_behind_the_prefix() -> None:
    assert messages.topic_of(KafkaSettings(), "traces") == "otlp_spans"
    prefixed = KafkaSettings(topic_prefix="prod.")
    assert messages.signals_by_topic(prefixed) == {
        "prod.otlp_logs": "logs",
        "prod.otlp_spans": "traces",
        "prod.otlp_metrics": "metrics",
    }
    assert messages.dead_letter_topic("prod.otlp_logs") == "prod.otlp_logs.dlq"


@pytest.mark.parametrize("envelope", [ENVELOPE, Envelope("shop", 1), Envelope("shop", 0, records=0)])
def test_what_is_written_is_read(envelope: Envelope) -> None:
    assert read_headers(write_headers(envelope), tenant="other", timestamp_ms=7) == envelope


@pytest.mark.parametrize(
    "headers", [None, [], [("traceparent", None)], [("content-type", b"application/grpc")]]
)
def test_a_collectors_message_belongs_to_the_default_tenant_and_to_kafkas_time(
    headers: messages.Headers,
) -> None:
    assert read_headers(headers, tenant="default", timestamp_ms=1234) == Envelope("default", 1_234_000_000)


def test_a_collector_may_name_the_tenant() -> None:
    assert read_headers([("airis.tenant", b"shop")], tenant="default", timestamp_ms=-1) == Envelope("shop", 0)


@pytest.mark.parametrize(
    ("name", "value", "tells"),
    [
        ("airis.tenant", b"\xff", "UTF-8"),
        ("airis.tenant", b"", "lower-case"),
        ("airis.tenant", b"a\0b", "lower-case"),
        ("airis.received", b"-1", "digits"),
        ("airis.received", b"9" * 19, "2^63"),
        ("airis.records", "٣".encode(), "digits"),
        ("airis.id", b"xyz", "hexadecimal"),
    ],
)
def test_a_damaged_header_is_named(name: str, value: bytes, tells: str) -> None:
    with pytest.raises(InvalidInput, match=f"header {name} is") as caught:
        read_headers([(name, value)], tenant="default", timestamp_ms=0)
    assert tells in str(caught.value)


def test_a_damaged_trace_context_is_left_out() -> None:
    assert read_headers([("traceparent", b"00-zz")], tenant="a", timestamp_ms=0).traceparent is None


NAMES = ("airis.tenant", "airis.received", "airis.records", "airis.id", "traceparent", "content-type")


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.none() | st.binary(max_size=40))))
def test_no_header_makes_another_error(headers: list[tuple[str, bytes | None]]) -> None:
    with contextlib.suppress(InvalidInput):
        read_headers(headers, tenant="default", timestamp_ms=0)


@pytest.mark.parametrize("signal", ["logs", "traces", "metrics"])
def test_a_key_is_the_tenant_and_the_first_resource(signal: str) -> None:
    checkout, again, ads = (request(signal, n, s) for n, s in ((1, "checkout"), (9, "checkout"), (1, "ads")))
    first = messages.partition_key("shop", checkout.SerializeToString())
    assert first.startswith(b"shop\0")
    assert len(first) == len(b"shop\0") + 8
    assert first == messages.partition_key("shop", again.SerializeToString())
    assert first != messages.partition_key("shop", ads.SerializeToString())
    assert first != messages.partition_key("bank", checkout.SerializeToString())
    again.MergeFrom(ads)
    assert first == messages.partition_key("shop", again.SerializeToString())


@given(st.binary(max_size=200))
def test_any_bytes_have_a_key(body: bytes) -> None:
    assert len(messages.partition_key("shop", body)) == len(b"shop\0") + 8


def test_the_same_bytes_are_the_same_message_of_one_tenant_and_signal_only() -> None:
    ids = {messages.message_id(t, s, b) for t in ("a", "b") for s in messages.TOPICS for b in (b"", b"x")}
    assert len(ids) == 12
    assert messages.message_id("a", "logs", b"x") in ids

"""Kafka stops, is away, or does not keep up."""

from __future__ import annotations

import threading

import pytest

from scripts.kafka_broker import Broker
from tests.faults.checks import Outcome, under_load
from tests.faults.conftest import Setting
from tests.serve.conftest import eventually
from tests.support.kafka import Kafka

_SENDERS = 40
_PADDING = 20_000


@pytest.fixture
def broker(kafka: Kafka) -> Broker:
    if kafka.broker is None or not kafka.real:
        pytest.skip("only a broker of this run that keeps its data can be stopped and started again")
    return kafka.broker


def test_broker_restart(fronted: Setting, broker: Broker, outcome: Outcome) -> None:
    with under_load(fronted.program, fronted.topics, outcome):
        broker.stop()
        broker.start()


def test_broker_gone(fronted: Setting, broker: Broker, outcome: Outcome, seconds: float | None) -> None:
    lasts = seconds or 60.0
    with under_load(fronted.program, fronted.topics, outcome):
        broker.kill()
        threading.Event().wait(lasts)  # the fault is this time
        broker.start()
    outcome.notes.append(f"away for {lasts:g} s")


def test_a_full_producer_queue(fronted: Setting, broker: Broker, outcome: Outcome) -> None:
    """More than an ingest replica may hold for a broker that does not answer: 429, and nothing of it is kept."""
    shape = {"senders": _SENDERS, "per": 10, "padding": _PADDING}
    with under_load(fronted.program, fronted.topics, outcome, **shape) as stream:
        broker.pause()
        try:
            full = eventually(lambda: stream.told.answers.get("429", 0) > _SENDERS, 60.0)
        finally:
            broker.resume()
        assert full, stream.told

"""What has to hold after a fault: every number in the store once, nothing left behind, accounts that balance."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from airis_ray.errors import AirisError
from tests.faults.program import BACK_SECONDS, Program, holds
from tests.faults.stream import ATTRIBUTE, SIGNALS, NumberedStream
from tests.serve.conftest import eventually

_CALL_SECONDS = 10.0
_CATCH_UP_SECONDS = 300.0
_WATCH_SECONDS = 2.0
_STILL_SECONDS = 5.0  # more than two batches' age: what was to come twice has come by then

_TABLES = {"logs": ("otel_logs", "LogAttributes"), "traces": ("otel_traces", "SpanAttributes")}


@dataclass
class Outcome:
    """One fault, as the summary shows it."""

    fault: str
    sent: int = 0
    stored: int = 0
    retries: int = 0
    repeated: int = 0
    uncounted: int = 0
    longest: float = 0.0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Numbers:
    """What the store has of one signal of a tenant."""

    rows: int
    distinct: int
    least: int
    most: int


class Topics:
    """The offsets of the program's group, asked of the broker."""

    def __init__(self, bootstrap: str, prefix: str, group: str) -> None:
        self.prefix = prefix
        self.group = group
        self._admin = AdminClient({"bootstrap.servers": bootstrap})
        self._client = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex})

    def close(self) -> None:
        self._client.close()

    def ends(self) -> dict[tuple[str, int], int]:
        """The offset behind the last message of each partition with telemetry of the stream."""
        found = {}
        for name in ("otlp_logs", "otlp_spans"):
            topic = self.prefix + name
            for number in self._client.list_topics(topic, _CALL_SECONDS).topics[topic].partitions:
                marks = self._client.get_watermark_offsets(TopicPartition(topic, number), _CALL_SECONDS)
                assert marks is not None, f"Kafka does not tell the end of {topic}:{number}"
                found[topic, number] = marks[1]
        return found

    def committed(self) -> dict[tuple[str, int], int]:
        """What the group has committed, of the partitions where it has."""
        asked = [ConsumerGroupTopicPartitions(self.group)]
        answer = self._admin.list_consumer_group_offsets(asked)[self.group].result(_CALL_SECONDS)
        return {(p.topic, p.partition): p.offset for p in answer.topic_partitions}

    def reached(self, ends: dict[tuple[str, int], int]) -> bool:
        """Whether everything before ``ends`` is committed."""
        try:
            committed = self.committed()
        except KafkaException:
            return False
        return all(not end or committed.get(partition, 0) >= end for partition, end in ends.items())


@contextmanager
def watched(program: Program) -> Iterator[list[str]]:
    """The accounts of every tenant, looked at all the time: whatever was told as lost is in the list."""
    lost: list[str] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_WATCH_SECONDS):
            found = program.accounts() or []
            lost.extend(str(one) for one in found if one["state"] == "lost" or one["missing"])

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        ended.set()
        thread.join(60.0)


@contextmanager
def under_load(
    program: Program, topics: Topics, outcome: Outcome, *, steady: int = 20, **shape: Any
) -> Iterator[NumberedStream]:
    """A stream of a new tenant while the block does its harm; then everything that has to hold.

    The block begins when ``steady`` requests were acknowledged.
    """
    key = program.new_key(f"f{uuid.uuid4().hex[:12]}")
    stream = NumberedStream(program.url, key, **shape)
    started = time.monotonic()
    stream.start()
    with watched(program) as lost:
        try:
            stream.wait_for(steady)
            yield stream
            stream.wait_for(steady, BACK_SECONDS)
        finally:
            stream.stop()
        check(program, topics, stream, key, outcome)
    outcome.seconds = time.monotonic() - started
    assert not lost, lost[:3]


def check(program: Program, topics: Topics, stream: NumberedStream, key: str, outcome: Outcome) -> None:
    """Every number is there once, and stays so when all that Kafka has is committed; the accounts say the same."""
    sent = stream.sent
    outcome.sent, outcome.retries = sum(sent.values()), stream.told.retries
    outcome.longest = stream.told.longest
    if stream.told.answers:
        outcome.notes.append(" ".join(f"{n} x {what}" for what, n in sorted(stream.told.answers.items())))
    ends = topics.ends()
    assert eventually(lambda: topics.reached(ends), _CATCH_UP_SECONDS), f"behind: {ends} {topics.committed()}"

    def whole() -> bool:
        return all(_numbers(program, key, signal) == Numbers(n, n, 0, n - 1) for signal, n in sent.items())

    eventually(whole, BACK_SECONDS)  # the gateway and analytics may still be on their way back
    assert holds(whole, _STILL_SECONDS), {s: (sent[s], _numbers(program, key, s)) for s in SIGNALS}
    outcome.stored = sum(sent.values())
    _check_accounts(program, key, sent, outcome)


def _check_accounts(program: Program, key: str, sent: dict[str, int], outcome: Outcome) -> None:
    def balanced() -> bool:
        found = program.accounts(key)
        return found is not None and all(account["state"] == "balanced" for account in found)

    assert eventually(balanced, BACK_SECONDS), program.accounts(key)
    accounts = {account["signal"]: account for account in program.accounts(key) or []}
    assert {signal: account["stored"] for signal, account in accounts.items()} == sent
    for account in accounts.values():
        assert account["missing"] == 0
        assert account["dead_lettered"] == 0
        outcome.repeated += account["repeated"]
        outcome.uncounted += account["uncounted"]


def _numbers(program: Program, key: str, signal: str) -> Numbers | None:
    """What the store has; None where nobody says it now."""
    table, attributes = _TABLES[signal]
    number = f"toUInt64({attributes}['{ATTRIBUTE}'])"
    sql = f"SELECT count() AS rows, uniqExact({number}) AS distinct, min({number}) AS least, max({number}) AS most"
    try:
        with program.connect(key) as client:
            (row,) = client.sql(f"{sql} FROM {table} WHERE ServiceName = 'numbered'").arrow().to_pylist()
    except AirisError:
        return None
    return Numbers(**row)

"""What has to hold after a fault: every number in the store once, nothing left behind, accounts that balance."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from airis_ray.errors import AirisError
from tests.faults.program import BACK_SECONDS, Program, holds
from tests.faults.stream import ATTRIBUTE, NumberedStream
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
        # It never joins the group. That the broker is away is no news here.
        self._client = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})

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

    def left(self, ends: dict[tuple[str, int], int]) -> dict[tuple[str, int], int] | None:
        """How many messages before ``ends`` are not committed, where some are; None where nobody says it now."""
        try:
            answers = self._client.committed([TopicPartition(*each) for each in ends], _CALL_SECONDS)
        except KafkaException:
            return None
        behind = {(p.topic, p.partition): ends[p.topic, p.partition] - max(0, p.offset) for p in answers}
        return {partition: messages for partition, messages in behind.items() if messages > 0}


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
    assert eventually(lambda: topics.left(ends) == {}, _CATCH_UP_SECONDS), f"behind: {topics.left(ends)}"

    check_numbers(program, key, sent)
    outcome.stored = sum(sent.values())
    for account in balanced_accounts(program, key, sent).values():
        assert account["dead_lettered"] == 0
        outcome.repeated += account["repeated"]
        outcome.uncounted += account["uncounted"]


def check_numbers(program: Program, key: str, sent: dict[str, int]) -> None:
    """The numbers below those of ``sent`` are in the store once, and nothing else comes."""

    def whole() -> bool:
        return all(_numbers(program, key, signal) == Numbers(n, n, 0, n - 1) for signal, n in sent.items())

    eventually(whole, BACK_SECONDS)  # the gateway and analytics may still be on their way back
    assert holds(whole, _STILL_SECONDS), {s: (n, _numbers(program, key, s)) for s, n in sent.items()}


def balanced_accounts(program: Program, key: str, sent: dict[str, int]) -> dict[str, dict[str, Any]]:
    """The accounts of a tenant by signal, once they balance; they have what was ``sent`` as stored."""

    def balanced() -> bool:
        found = program.accounts(key)
        return found is not None and all(account["state"] == "balanced" for account in found)

    assert eventually(balanced, BACK_SECONDS), program.accounts(key)
    accounts = {account["signal"]: account for account in program.accounts(key) or []}
    assert {signal: account["stored"] for signal, account in accounts.items()} == sent
    assert all(account["missing"] == 0 for account in accounts.values())
    return accounts


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

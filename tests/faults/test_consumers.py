"""Consumers that die at the worst moment, stand still, come and go, or are sent what nobody can read."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import uuid
from collections import Counter
from contextlib import suppress

import pytest
from confluent_kafka import Producer

from airis_ray.stream.messages import TENANT
from tests.faults.checks import Outcome, balanced_accounts, check_numbers, under_load
from tests.faults.conftest import Setting
from tests.faults.members import another
from tests.faults.program import STREAM
from tests.faults.proxy import Answer, Call
from tests.faults.stream import logs
from tests.serve.conftest import eventually
from tests.support.kafka import Kafka, read_messages

_KILLS = 3
_JOINS = 5
_THOUSANDS = 5
_SLOW_SECONDS = 3.0
_HELP_SECONDS = 180.0  # Serve's window and its delay before it adds a replica, and that replica's start


@pytest.mark.parametrize("table", ["otel_logs", "otel_traces", "airis_accounts"])
def test_kill_between_insert_and_commit(fronted: Setting, outcome: Outcome, table: str) -> None:
    """The store has the rows and has said so to nobody when the consumer dies: its batch is made again."""
    program, topics = fronted.program, fronted.topics
    assert fronted.proxy is not None
    seen: Counter[str] = Counter()
    killed: list[str] = []

    async def kill_after(call: Call) -> Answer | None:
        answer = await call.forward()
        if answer.status != 200 or not call.inserts(table) or not call.token.startswith(topics.prefix):
            return answer
        seen[call.token] += 1
        if len(killed) == _KILLS or call.token in killed:
            return answer
        killed.append(call.token)
        for pid in program.pids(STREAM):
            os.kill(pid, signal.SIGKILL)
        return None

    with under_load(program, topics, outcome), fronted.proxy.following(kill_after):
        assert eventually(lambda: len(killed) == _KILLS, 300.0), program.tail()
        again = eventually(lambda: all(seen[token] > 1 for token in killed), 120.0)
        assert again, f"not inserted again under its token: {killed} {seen}"
    outcome.notes.append(f"{_KILLS} kills, each batch inserted again under its token")


def test_a_paused_consumer(fronted: Setting, outcome: Outcome, seconds: float | None) -> None:
    """Its partitions go to another; when it wakes it has a batch under way that is not its own any more."""
    program, lasts = fronted.program, seconds or 120.0
    with under_load(program, fronted.topics, outcome) as stream, another(program) as member:
        paused = program.pids(STREAM)
        for pid in paused:
            os.kill(pid, signal.SIGSTOP)
        try:
            threading.Event().wait(lasts)  # the fault is this time
        finally:
            for pid in paused:
                with suppress(ProcessLookupError):  # Serve has given it up meanwhile
                    os.kill(pid, signal.SIGCONT)
        stream.wait_for(40)
        outcome.notes.append("replaced by Serve" if set(program.pids(STREAM)) - set(paused) else "went on")
        program.wait_ready()
        member.leave()
    outcome.notes.append(f"still for {lasts:g} s")


def test_a_rebalance_storm(fronted: Setting, outcome: Outcome) -> None:
    """Every other member leaves without a word."""
    program = fronted.program
    with under_load(program, fronted.topics, outcome) as stream:
        for number in range(_JOINS):
            with another(program) as member:
                stream.wait_for(20)
                if number % 2:
                    member.leave()
    outcome.notes.append(f"{_JOINS} joins, {_JOINS // 2} leaves in order, {_JOINS - _JOINS // 2} kills")


def test_a_poison_message_every_thousand(fronted: Setting, kafka: Kafka, outcome: Outcome) -> None:
    """Written into the topic as others may do; each is a dead letter once, and nothing else is."""
    topics, tenant = fronted.topics, f"p{uuid.uuid4().hex[:12]}"
    key = fronted.program.new_key(tenant)
    topic, total = f"{topics.prefix}otlp_logs", _THOUSANDS * 1000
    poison = {n: b"\xffpoison %d of %s" % (n, tenant.encode()) for n in range(999, total, 1000)}
    with under_load(fronted.program, topics, outcome):
        producer = Producer({"bootstrap.servers": kafka.bootstrap, "linger.ms": 5})
        numbers = iter(range(total))
        for n in range(total):
            value = poison[n] if n in poison else logs(range(number := next(numbers), number + 1))
            producer.produce(topic, value, key=str(n % 50), headers=[(TENANT, tenant.encode())])
            producer.poll(0)
        assert producer.flush(60.0) == 0
    good = {"logs": total - len(poison)}
    check_numbers(fronted.program, key, good)
    account = balanced_accounts(fronted.program, key, good)["logs"]
    assert account["dead_lettered"] == len(poison)
    letters = Counter(message.value() for message in read_messages(kafka.bootstrap, f"{topic}.dlq"))
    assert letters == Counter(poison.values())
    outcome.notes.append(
        f"{total} messages straight to Kafka, {len(poison)} of them poison: each set aside once"
    )


def test_further_consumers_for_a_slow_store(fronted: Setting, outcome: Outcome) -> None:
    """One consumer that is at work all the time gets help, and partitions change hands meanwhile."""
    program = fronted.program
    assert fronted.proxy is not None

    async def slow(call: Call) -> Answer:
        if call.inserts("otel_logs") or call.inserts("otel_traces"):
            await asyncio.sleep(_SLOW_SECONDS)
        return await call.forward()

    with under_load(program, fronted.topics, outcome) as stream:
        with fronted.proxy.following(slow):
            assert eventually(lambda: len(program.pids(STREAM)) > 1, _HELP_SECONDS), program.tail()
            stream.wait_for(40)
        program.wait_ready()
        outcome.notes.append(f"{len(program.pids(STREAM))} consumers")

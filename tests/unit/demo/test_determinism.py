"""The same plan gives the same bytes; another seed or start gives others."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from airis_ray.demo import history_plan, payloads
from airis_ray.demo.engine import payloads as of_plan
from airis_ray.demo.plan import Plan
from airis_ray.demo.season import NS

START = datetime(2026, 10, 25, 15, tzinfo=UTC)
FAULTS = ("slow-db@5m:10m", "memory-leak", "bad-deploy@2m", "log-flood@20m:1m")


def _digest(
    seed: int = 7, start: datetime = START, duration: str = "40m", faults: tuple[str, ...] = FAULTS
) -> str:
    digest = hashlib.sha256()
    for payload in payloads(seed=seed, start=start, duration=duration, faults=faults):
        digest.update(f"{payload.signal} {payload.records} {len(payload.body)}".encode())
        digest.update(payload.body)
    return digest.hexdigest()


@pytest.fixture(scope="module")
def reference() -> str:
    return _digest()


def test_the_same_run_is_the_same_to_the_byte(reference: str) -> None:
    assert _digest() == reference


@pytest.mark.parametrize(
    "change",
    [{"seed": 8}, {"start": datetime(2026, 10, 25, 16, tzinfo=UTC)}, {"duration": "41m"}, {"faults": ()}],
    ids=["seed", "start", "duration", "faults"],
)
def test_another_run_is_another(reference: str, change: dict[str, object]) -> None:
    assert _digest(**change) != reference


def test_the_speed_of_the_reader_changes_nothing(reference: str) -> None:
    """Payloads taken one run in the middle of another are the same."""
    plan = history_plan(seed=7, start=START, duration="40m", faults=FAULTS)
    slow, fast = of_plan(plan), of_plan(plan)
    first = next(slow)
    everything = list(fast)
    assert [first, *slow] == everything


def test_a_live_run_is_as_reproducible_as_history() -> None:
    plan = Plan.live(5, int(START.timestamp()) * NS, 60)
    assert [item.body for item in of_plan(plan)] == [item.body for item in of_plan(plan)]

"""The number of consumers that the policy asks for."""

from __future__ import annotations

from typing import Any

import cloudpickle
import pytest
from ray.serve.config import AutoscalingConfig, AutoscalingContext

from airis_ray.stream import policy
from airis_ray.stream.policy import LagPolicy


@pytest.fixture(autouse=True)
def _kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LagPolicy, "stream", True)


def context(target: int = 1, **told: list[float]) -> Any:
    metrics = {name: dict(enumerate(values)) for name, values in told.items()}
    return AutoscalingContext(
        deployment_id=None,
        deployment_name="Stream",
        app_name="stream",
        current_num_replicas=target,
        target_num_replicas=target,
        running_replicas=[],
        total_num_requests=0,
        total_queued_requests=0,
        aggregated_metrics=metrics,
        raw_metrics={},
        capacity_adjusted_min_replicas=0,
        capacity_adjusted_max_replicas=8,
        policy_state={},
        last_scale_up_time=None,
        last_scale_down_time=None,
        current_time=0.0,
        config=AutoscalingConfig(min_replicas=0, max_replicas=8),
    )


def test_without_kafka_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LagPolicy, "stream", False)
    assert LagPolicy()(context(1, lag=[9.0], done=[1.0], busy=[1.0], partitions=[3.0]))[0] == 0


def test_with_kafka_there_is_one_before_anybody_said_anything() -> None:
    assert LagPolicy()(context(0))[0] == 1


def test_what_nobody_told_changes_nothing() -> None:
    assert LagPolicy()(context(3))[0] == 3


def test_an_idle_consumer_is_enough() -> None:
    assert LagPolicy()(context(2, lag=[0, 0], done=[10, 10], busy=[0.1, 0.1], partitions=[6, 6]))[0] == 1


def test_busy_consumers_get_help() -> None:
    assert LagPolicy()(context(2, lag=[0, 0], done=[100, 100], busy=[0.9, 0.9], partitions=[6, 6]))[0] == 3


def test_a_backlog_is_caught_up_within_the_time() -> None:
    # One consumer does 100 messages a second; 18,000 behind are 180 s of work, to be done within 60.
    assert LagPolicy()(context(1, lag=[18_000], done=[100], busy=[1.0], partitions=[12]))[0] == 5


def test_no_more_consumers_than_partitions() -> None:
    assert LagPolicy()(context(2, lag=[9e6, 9e6], done=[1, 1], busy=[1, 1], partitions=[2, 1]))[0] == 3


def test_while_nothing_gets_done_it_stays_as_it_is() -> None:
    assert LagPolicy()(context(2, lag=[500, 500], done=[0, 0], busy=[1, 1], partitions=[6, 6]))[0] == 2


def test_it_is_pickled_with_what_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LagPolicy, "stream", False)
    cloudpickle.register_pickle_by_value(policy)
    try:
        pickled = cloudpickle.dumps(LagPolicy)
    finally:
        cloudpickle.unregister_pickle_by_value(policy)
    monkeypatch.setattr(LagPolicy, "stream", True)
    assert cloudpickle.loads(pickled)()(context(1))[0] == 0

"""What /readyz and /metrics show of the partitions that the consumers read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from airis_ray.web.vitals import Reading, Vitals
from tests.support.local_store import LocalStore
from tests.unit.gateway.conftest import World

WHY = "51 of the last 100 messages of otlp_logs:1 cannot be read"
TOLD = (Vitals("stream", "host-1", readings=(Reading("otlp_logs:0", 7), Reading("otlp_logs:1", 90, WHY))),)


async def everybody() -> Sequence[Vitals]:
    return TOLD


async def test_a_stopped_partition_is_told_and_the_rest_is_ready(
    migrated_store: LocalStore, tmp_path: Path
) -> None:
    world = World(migrated_store, tmp_path, replicas=everybody)
    answer = await world.client(None).get("/readyz")
    assert answer.status_code == 200
    part = answer.json()["parts"]["stream"]
    assert (part["state"], part["needed"]) == ("down", False)
    assert "1 partitions of Kafka are stopped" in part["detail"]
    assert "otlp_logs" not in answer.text
    known = (await world.client(world.admin).get("/readyz")).json()["parts"]["stream"]
    assert known["detail"] == WHY


async def test_metrics_have_the_lag_of_each_partition(migrated_store: LocalStore, tmp_path: Path) -> None:
    world = World(migrated_store, tmp_path, replicas=everybody)
    text = (await world.client(world.admin).get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    lag = {
        each.labels["partition"]: each.value
        for each in families["airis_stream_partition_lag_messages"].samples
    }
    assert lag == {"otlp_logs:0": 7, "otlp_logs:1": 90}
    stopped = families["airis_stream_partition_stopped"].samples
    assert {each.labels["partition"]: each.value for each in stopped} == {"otlp_logs:0": 0, "otlp_logs:1": 1}

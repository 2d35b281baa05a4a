"""What `airis kube` makes of objects, without a cluster (tests/kube_api drives it against a real API server)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from airis_ray.errors import AirisError, InvalidInput, NotFound, Unavailable
from airis_ray.kube.apply import ordered
from airis_ray.kube.changes import scale, upgrade
from airis_ray.kube.errors import Conflict, MissingKind, MissingRights, Rejected, of_answer
from airis_ray.kube.jobs import backup_name, job_from
from airis_ray.kube.progress import progress
from airis_ray.kube.state import RayState, Status, Workload, ray_states, upgrade_state

CONFIG = {
    "applications": [
        {
            "name": "ingest",
            "deployments": [{"name": "Ingest", "autoscaling_config": {"min_replicas": 2, "max_replicas": 4}}],
        },
        {"name": "watch", "deployments": [{"name": "Watch", "num_replicas": 1}]},
    ]
}


def _group(name: str) -> dict[str, Any]:
    containers = [{"name": "ray-worker", "image": "airis-ray:1"}]
    return {
        "groupName": name,
        "minReplicas": 1,
        "maxReplicas": 4,
        "replicas": 2,
        "template": {"spec": {"containers": containers}},
    }


def _service() -> dict[str, Any]:
    head = {
        "containers": [{"name": "ray-head", "image": "airis-ray:1"}, {"name": "side", "image": "other:2"}]
    }
    cluster = {
        "headGroupSpec": {"template": {"spec": head}},
        "workerGroupSpecs": [_group("light"), _group("stream")],
    }
    return {"spec": {"serveConfigV2": yaml.safe_dump(CONFIG), "rayClusterConfig": cluster}}


def test_what_others_need_is_applied_first() -> None:
    kinds = ["CronJob", "RayService", "StatefulSet", "ConfigMap", "PodMonitor", "Namespace", "ServiceAccount"]
    assert [item["kind"] for item in ordered({"kind": kind} for kind in kinds)] == [
        "Namespace", "ServiceAccount", "ConfigMap", "StatefulSet", "PodMonitor", "RayService", "CronJob",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "spec", "status", "done", "detail"),
    [
        ("StatefulSet", {"replicas": 3}, {"readyReplicas": 2, "updatedReplicas": 3}, False, "2/3 ready"),
        ("StatefulSet", {"replicas": 3}, {"readyReplicas": 3, "updatedReplicas": 3}, True, "3/3 ready"),
        ("Deployment", {}, {"readyReplicas": 1}, False, "1/1 ready"),
        ("DaemonSet", {}, {"desiredNumberScheduled": 2, "numberReady": 1}, False, "1/2 ready"),
        ("RayService", {}, {"conditions": [{"type": "Ready", "status": "True"}]}, True, "ready"),
        ("RayService", {}, {}, False, "starting"),
        ("Job", {}, {"active": 1}, False, "1 active"),
        ("Job", {}, {"conditions": [{"type": "Complete", "status": "True"}]}, True, "complete"),
        ("Certificate", {}, {}, False, "not issued yet"),
        ("ConfigMap", {}, {}, True, "there"),
    ],
)
def test_progress(kind: str, spec: dict[str, Any], status: dict[str, Any], done: bool, detail: str) -> None:
    state = progress({"kind": kind, "spec": spec, "status": status})
    assert (state.done, state.detail, state.failed) == (done, detail, False)


def test_a_status_of_an_older_generation_is_not_done() -> None:
    status = {"observedGeneration": 1, "readyReplicas": 1, "updatedReplicas": 1}
    assert not progress(
        {"kind": "StatefulSet", "metadata": {"generation": 2}, "spec": {}, "status": status}
    ).done


def test_an_upgrade_under_way_is_not_done() -> None:
    conditions = [{"type": "Ready", "status": "True"}, {"type": "UpgradeInProgress", "status": "True"}]
    assert progress({"kind": "RayService", "status": {"conditions": conditions}}).detail == "upgrading"


def test_a_failed_job_ends_the_wait() -> None:
    conditions = [{"type": "Failed", "status": "True", "message": "BackoffLimitExceeded"}]
    assert progress({"kind": "Job", "status": {"conditions": conditions}}).failed


def test_a_worker_group_scales() -> None:
    change = scale(_service(), "stream", 3, None)
    assert change.said == "worker group stream: 1-4 pods → 3-4"
    assert {
        "op": "test",
        "path": "/spec/rayClusterConfig/workerGroupSpecs/1/groupName",
        "value": "stream",
    } in change.operations
    assert {
        "op": "add",
        "path": "/spec/rayClusterConfig/workerGroupSpecs/1/replicas",
        "value": 3,
    } in change.operations


def test_an_application_scales_in_place() -> None:
    service = _service()
    change = scale(service, "ingest", None, 9)
    assert change.said == "application ingest: Ingest: 2-4 replicas → 2-9 (in place)"
    assert change.operations[0]["value"] == service["spec"]["serveConfigV2"]
    new = yaml.safe_load(change.operations[1]["value"])
    assert new["applications"][0]["deployments"][0]["autoscaling_config"] == {
        "min_replicas": 2,
        "max_replicas": 9,
    }


def test_an_application_of_fixed_size_gets_another() -> None:
    change = scale(_service(), "watch", 3, None)
    assert change.said == "application watch: Watch: 1 replicas → 3 (in place)"
    new = yaml.safe_load(change.operations[1]["value"])
    assert new["applications"][1]["deployments"][0] == {"name": "Watch", "num_replicas": 3}


@pytest.mark.parametrize(("least", "most"), [(1, 2), (0, 0), (0, None)])
def test_a_fixed_size_has_no_range(least: int, most: int | None) -> None:
    with pytest.raises(InvalidInput, match=r"Watch has a fixed number of replicas"):
        scale(_service(), "watch", least, most)


@pytest.mark.parametrize(
    ("name", "least", "most", "said"),
    [
        ("light", None, None, "nothing to change"),
        ("light", 5, 4, "expected 0 ≤ min ≤ max"),
        ("clickhouse", 5, None, "worker groups light, stream; applications ingest, watch"),
    ],
)
def test_bounds_that_cannot_be(name: str, least: int | None, most: int | None, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        scale(_service(), name, least, most)


def test_an_upgrade_changes_every_container_of_ours() -> None:
    change = upgrade(_service(), "registry:5000/airis-ray:2")
    replaced = [row["path"] for row in change.operations if row["op"] == "replace"]
    assert len(replaced) == 3
    assert all(path.endswith("/containers/0/image") for path in replaced)


@pytest.mark.parametrize("image", ["airis-ray", "airis-ray:latest", "airis-ray:", "a b:1", "airis-ray:1"])
def test_images_that_cannot_be(image: str) -> None:
    with pytest.raises(InvalidInput):
        upgrade(_service(), image)


def _active(name: str, role: str = "activeServiceStatus") -> dict[str, Any]:
    cluster = {"state": "ready", "readyWorkerReplicas": 2, "desiredWorkerReplicas": 3}
    applications = {"ingest": {"status": "RUNNING"}}
    return {role: {"rayClusterName": name, "rayClusterStatus": cluster, "applicationStatuses": applications}}


def test_old_and_new_cluster_of_an_upgrade() -> None:
    service = {"status": _active("airis-a") | _active("airis-b", "pendingServiceStatus")}
    old, new = ray_states(service, {"airis-a": "airis-ray:1"})
    assert (old.role, old.workers, old.image, old.applications) == (
        "serving",
        "2/3",
        "airis-ray:1",
        {"ingest": "RUNNING"},
    )
    assert (new.role, new.name, new.image) == ("new", "airis-b", "?")
    assert upgrade_state(service) == "airis-a → airis-b"
    assert upgrade_state({"status": _active("airis-a")}) == "none"
    assert upgrade_state({}) == "none"


def test_green_is_everything() -> None:
    ray = (RayState("serving", "a", "ready", "1/1", "i", {"ingest": "RUNNING"}),)
    whole = (Workload("clickhouse", 3, 3, "i"),)
    green = Status("c", "airis", True, "", "none", ray, whole, platform={"store": "ready"})
    assert green.green
    assert not Status("c", "airis", True, "", "none", ray, (Workload("clickhouse", 2, 3, "i"),)).green
    assert not Status("c", "airis", True, "", "none", ray, whole, platform={"store": "down no answer"}).green
    assert not Status("c", "airis", False, "", "none", ray, whole).green


def _cron_job() -> dict[str, Any]:
    container = {"name": "a", "image": "b:1", "env": [{"name": "BACKUP_NAME", "valueFrom": {}}]}
    job = {"spec": {"template": {"spec": {"containers": [container]}}}}
    return {"metadata": {"name": "clickhouse-restore", "uid": "1"}, "spec": {"jobTemplate": job}}


def test_a_job_from_a_cron_job() -> None:
    cron_job = _cron_job()
    job = job_from(cron_job, datetime(2026, 11, 23, 2, tzinfo=UTC), {"BACKUP_NAME": "2026-11-22"})
    assert job["metadata"]["name"] == "clickhouse-restore-20261123-020000"
    assert job["metadata"]["ownerReferences"][0]["uid"] == "1"
    assert job["spec"]["template"]["spec"]["containers"][0]["env"] == [
        {"name": "BACKUP_NAME", "value": "2026-11-22"}
    ]
    assert (
        "valueFrom" in cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["env"][0]
    )


def test_a_variable_that_no_container_reads_is_told() -> None:
    with pytest.raises(InvalidInput, match="has no variable OTHER"):
        job_from(_cron_job(), datetime(2026, 11, 23, tzinfo=UTC), {"OTHER": "x"})


@pytest.mark.parametrize("name", ["", "a'b", "../a", "a b", "/a", "x" * 200])
def test_names_that_no_backup_has(name: str) -> None:
    with pytest.raises(InvalidInput, match="--backup"):
        backup_name(name)


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        (403, MissingRights, "missing rights: pods is forbidden"),
        (404, NotFound, "get pods: pods is forbidden"),
        (409, Conflict, "get pods"),
        (422, Rejected, "get pods: spec.replicas: must be >= 0"),
        (503, Unavailable, "the cluster answered 503"),
    ],
)
def test_refusals_are_errors_of_ours(code: int, error: type[AirisError], said: str) -> None:
    causes = b'[{"field": "spec.replicas", "message": "must be >= 0"}]'
    body = b'{"kind": "Status", "message": "pods is forbidden", "details": {"causes": %s}}' % causes
    found = of_answer(code, body, "get pods")
    assert isinstance(found, error)
    assert said in str(found)


def test_an_answer_that_is_no_status_is_told_in_one_line() -> None:
    assert str(of_answer(502, b"<html>\n bad\n gateway", "get pods")).endswith("502: <html> bad gateway")


def test_a_missing_kind_names_its_operator() -> None:
    assert "does not know RayService (ray.io/v1): install the KubeRay operator" in str(
        MissingKind("RayService", "ray.io/v1")
    )

"""`airis kube` against a real API server. Its nodes are KWOK's, and there is no KubeRay operator: what that one would
write into the RayService's status is written here, by the definition's own fields."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airis_ray import cli
from airis_ray.kube.apply import apply
from airis_ray.kube.manifests import Manifest
from airis_ray.kube.progress import WAITED, wait
from airis_ray.kube.rights import RIGHTS
from scripts.kube_api import KubeApi
from tests.kube.conftest import KUBERAY, built
from tests.kube_api.conftest import connected
from tests.kube_api.test_overlays import objects_of

DEV = KUBERAY / "overlays" / "dev"
SERVICE = "/apis/ray.io/v1/namespaces/airis/rayservices/airis"
SPACE = "/api/v1/namespaces/airis"


@dataclass(frozen=True)
class Answer:
    """What a command said and how it ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def airis(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `airis kube …` as the owner of a kubeconfig."""

    def run(kubeconfig: Path, *arguments: str) -> Answer:
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
        monkeypatch.setattr("sys.argv", ["airis", "kube", *arguments])
        capsys.readouterr()
        try:
            cli.main()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        said = capsys.readouterr()
        return Answer(status, said.out, said.err)

    return run


@pytest.fixture(scope="module")
def applied(cluster_with_nodes: KubeApi) -> Iterator[KubeApi]:
    """A cluster with the dev overlay, whose volumes come as they are claimed."""
    cluster = connected(cluster_with_nodes)
    apply(cluster, objects_of(DEV), dry_run=False, force=False, say=lambda line: None)
    cluster.close()
    done = threading.Event()
    volumes = threading.Thread(target=_provision, args=(cluster_with_nodes, done))
    volumes.start()
    yield cluster_with_nodes
    done.set()
    volumes.join(30)


def _provision(api: KubeApi, done: threading.Event) -> None:
    """What a storage driver does: a volume for each claim."""
    while not done.wait(0.3):
        for claim in api.call("GET", f"{SPACE}/persistentvolumeclaims")["items"]:
            if not claim["spec"].get("volumeName"):
                _volume(api, claim)


def _volume(api: KubeApi, claim: Manifest) -> None:
    name, spec = f"pv-{claim['metadata']['uid']}", claim["spec"]
    volumes = api.call("GET", "/api/v1/persistentvolumes")["items"]
    if name in [item["metadata"]["name"] for item in volumes]:
        return
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": spec["resources"]["requests"],
            "accessModes": spec["accessModes"],
            "storageClassName": spec["storageClassName"],
            "claimRef": {"namespace": "airis", "name": claim["metadata"]["name"]},
            "csi": {"driver": "test.invalid", "volumeHandle": name},
        },
    }
    api.call("POST", "/api/v1/persistentvolumes", body)


def _write_status(api: KubeApi, **status: Any) -> None:
    service = api.call("GET", SERVICE)
    api.call("PUT", f"{SERVICE}/status", {**service, "status": status})


def _ray(name: str, state: str = "ready") -> Manifest:
    return {
        "rayClusterName": name,
        "rayClusterStatus": {"state": state, "readyWorkerReplicas": 1, "desiredWorkerReplicas": 1},
        "applicationStatuses": {"gateway": {"status": "RUNNING"}},
    }


def _ready(generation: int) -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True", "reason": "NonZeroServeEndpoints", "message": "ready"}
    condition["lastTransitionTime"] = "2026-11-23T00:00:00Z"
    return {"observedGeneration": generation, "conditions": [condition]}


def test_without_the_operator_it_says_so(tmp_path: Path, airis: Any) -> None:
    from tests.kube_api.conftest import started

    api = started(tmp_path, [], controllers=False)
    try:
        answer = airis(api.kubeconfig, "status")
        assert (answer.status, answer.err.count("\n")) == (1, 1)
        assert "the cluster does not know RayService (ray.io/v1): install the KubeRay operator" in answer.err
        answer = airis(api.kubeconfig, "apply", str(DEV), "--wait")
        assert "the cluster does not know RayService (ray.io/v1)" in answer.err
        with pytest.raises(Exception, match="404"):
            api.call("GET", "/api/v1/namespaces/airis")
    finally:
        api.stop()


def test_a_dry_run_changes_nothing(cluster_with_nodes: KubeApi, airis: Any) -> None:
    answer = airis(cluster_with_nodes.kubeconfig, "apply", str(DEV), "--dry-run")
    assert answer.status == 0, answer.err
    assert "StatefulSet/clickhouse would be created" in answer.out


def test_the_stateful_tier_comes_up(applied: KubeApi) -> None:
    cluster = connected(applied)
    items = [item for item in objects_of(DEV) if item["kind"] in WAITED and item["kind"] != "RayService"]
    said: list[str] = []
    wait(cluster, items, seconds=120, say=said.append)
    assert "StatefulSet/clickhouse: 1/1 ready" in said
    cluster.close()


def test_applying_again_changes_nothing(applied: KubeApi, airis: Any) -> None:
    answer = airis(applied.kubeconfig, "apply", str(DEV))
    assert answer.status == 0, answer.err
    assert " 0 created, 0 changed, " in answer.out


def test_status_before_the_operator_and_after(applied: KubeApi, airis: Any) -> None:
    before = airis(applied.kubeconfig, "status")
    assert before.status == 1
    assert before.out.startswith("not green: the operator has not looked at it yet")
    generation = applied.call("GET", SERVICE)["metadata"]["generation"]
    _write_status(applied, activeServiceStatus=_ray("airis-aaaaa"), **_ready(generation))
    told = json.loads(airis(applied.kubeconfig, "status", "--json").out)
    assert told["ready"] is True
    assert told["upgrade"] == "none"
    assert told["ray"][0]["name"] == "airis-aaaaa"
    assert {row["part"]: row["ready"] for row in told["stateful"]}["clickhouse"] == 1
    assert "clickhouse-backup" in [row["name"] for row in told["backups"]]
    assert "no answer" in told["platform"]["gateway"]  # nothing serves behind KWOK's pods
    assert told["green"] is False


def test_an_upgrade_shows_the_old_and_the_new(applied: KubeApi, airis: Any) -> None:
    image = "registry.example.org/airis-ray:9.9.9"
    tried = airis(applied.kubeconfig, "upgrade", "--image", image, "--dry-run")
    assert "dry run" in tried.out
    answer = airis(applied.kubeconfig, "upgrade", "--image", image)
    assert answer.status == 0, answer.err
    head = applied.call("GET", SERVICE)["spec"]["rayClusterConfig"]["headGroupSpec"]
    assert head["template"]["spec"]["containers"][0]["image"] == image
    generation = applied.call("GET", SERVICE)["metadata"]["generation"]
    new = _ray("airis-bbbbb", "starting")
    _write_status(
        applied, activeServiceStatus=_ray("airis-aaaaa"), pendingServiceStatus=new, **_ready(generation)
    )
    told = json.loads(airis(applied.kubeconfig, "upgrade", "--json").out)
    assert told["upgrade"] == "airis-aaaaa → airis-bbbbb"
    assert [row["role"] for row in told["clusters"]] == ["serving", "new"]
    stuck = airis(applied.kubeconfig, "upgrade", "--wait", "--timeout", "1")
    assert "the upgrade is not through after 1 s" in stuck.err
    _write_status(applied, activeServiceStatus=_ray("airis-bbbbb"), **_ready(generation))
    assert airis(applied.kubeconfig, "upgrade", "--wait", "--timeout", "5").status == 0


def test_scaling(applied: KubeApi, airis: Any) -> None:
    answer = airis(applied.kubeconfig, "scale", "light", "--max", "7")
    assert answer.status == 0, answer.err
    [light] = [
        group
        for group in applied.call("GET", SERVICE)["spec"]["rayClusterConfig"]["workerGroupSpecs"]
        if group["groupName"] == "light"
    ]
    assert light["maxReplicas"] == 7
    assert airis(applied.kubeconfig, "scale", "ingest", "--max", "3").status == 0
    assert "max_replicas: 3" in applied.call("GET", SERVICE)["spec"]["serveConfigV2"]
    refused = airis(applied.kubeconfig, "scale", "clickhouse", "--max", "3")
    assert "Quorums (clickhouse, keeper, kafka) grow by their overlay" in refused.err


def test_what_others_set_is_taken_over_by_force_alone(applied: KubeApi, airis: Any) -> None:
    refused = airis(applied.kubeconfig, "apply", str(DEV))
    assert refused.status == 1
    assert "RayService/airis" in refused.err
    assert airis(applied.kubeconfig, "apply", str(DEV), "--force").status == 0


def test_a_backup_now_and_a_restore(applied: KubeApi, airis: Any) -> None:
    answer = airis(applied.kubeconfig, "backup", "--wait", "--timeout", "60")
    assert answer.status == 0, answer.err
    assert "complete" in answer.out
    restored = airis(
        applied.kubeconfig, "restore", "--backup", "2026-11-22/020000", "--yes", "--timeout", "60"
    )
    assert restored.status == 0, restored.err
    lines = [line for line in restored.out.splitlines() if "platform" in line]
    assert lines == ["the platform is stopped: its Ray cluster goes", "the platform starts again"]
    [job] = [
        item
        for item in applied.call("GET", "/apis/batch/v1/namespaces/airis/jobs")["items"]
        if item["metadata"]["name"].startswith("clickhouse-restore-")
    ]
    variables = job["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "BACKUP_NAME", "value": "2026-11-22/020000"} in variables
    assert applied.call("GET", SERVICE)["spec"]["suspend"] is False


def test_logs(applied: KubeApi, airis: Any) -> None:
    answer = airis(applied.kubeconfig, "logs", "clickhouse", "--tail", "5")
    assert answer.status == 0, answer.err
    assert answer.out == "clickhouse-0 a line of a pod\n"
    unknown = airis(applied.kubeconfig, "logs", "nothing")
    assert "no pod of the part 'nothing': there are" in unknown.err


def test_the_rights_of_the_table_are_enough_and_needed(applied: KubeApi, airis: Any) -> None:
    applied.call("POST", f"{SPACE}/serviceaccounts", {"metadata": {"name": "viewer"}})
    viewer = applied.account("viewer", "airis")
    refused = airis(viewer, "status")
    assert refused.err.count("\n") == 1
    assert "missing rights" in refused.err
    assert "rayservices" in refused.err
    rules = [
        {"apiGroups": [right.group], "resources": [right.resource], "verbs": list(right.verbs)}
        for right in RIGHTS
    ]
    group = "/apis/rbac.authorization.k8s.io/v1/namespaces/airis"
    applied.call("POST", f"{group}/roles", {"metadata": {"name": "viewer"}, "rules": rules})
    subject = {"kind": "ServiceAccount", "name": "viewer", "namespace": "airis"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "viewer"}
    body = {"metadata": {"name": "viewer"}, "roleRef": role, "subjects": [subject]}
    applied.call("POST", f"{group}/rolebindings", body)
    for arguments in (
        ["status"],
        ["scale", "light", "--min", "1", "--dry-run"],
        ["upgrade", "--image", "a/b:1", "--dry-run"],
        ["backup", "--dry-run"],
        ["restore", "--backup", "x", "--dry-run"],
        ["logs", "clickhouse"],
    ):
        assert "missing rights" not in airis(viewer, *arguments).err, arguments


def test_the_dev_overlay_is_what_was_applied(applied: KubeApi) -> None:
    assert {item.name for item in built(DEV).of("StatefulSet")} == {
        item["metadata"]["name"]
        for item in applied.call("GET", "/apis/apps/v1/namespaces/airis/statefulsets")["items"]
    }

"""Waiting for objects: each where it lies."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from kubernetes.client import ApiClient

from airis_ray.kube.cluster import Cluster
from airis_ray.kube.progress import wait

_KINDS = [
    {"kind": "DaemonSet", "name": "daemonsets", "namespaced": True},
    {"kind": "StatefulSet", "name": "statefulsets", "namespaced": True},
]
_STATUS = {"desiredNumberScheduled": 1, "numberReady": 1, "updatedNumberScheduled": 1}
_READY = {"readyReplicas": 1, "updatedReplicas": 1}


class _Answers(ApiClient):  # type: ignore[misc]  # the client has no types
    """An API server with a collector in a namespace of its own."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.configuration = SimpleNamespace(host="http://somewhere")

    def param_serialize(self, method: str, path: str, **_: Any) -> tuple[str, str]:
        return method, path

    def call_api(self, method: str, path: str, **_: Any) -> Any:
        self.asked.append(path)
        found: dict[str, Any] = {
            "/apis/apps/v1": {"resources": _KINDS},
            "/apis/apps/v1/namespaces/airis-collector/daemonsets/collector": {
                "kind": "DaemonSet",
                "status": _STATUS,
            },
            "/apis/apps/v1/namespaces/airis/statefulsets/keeper": {"kind": "StatefulSet", "status": _READY},
        }
        body = json.dumps(found.get(path, {"message": "not found"})).encode()
        headers = SimpleNamespace(getlist=lambda name: [])
        return SimpleNamespace(status=200 if path in found else 404, read=lambda: body, headers=headers)


def _item(kind: str, name: str, **metadata: str) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, **metadata}}


def test_an_object_is_looked_for_in_its_own_namespace() -> None:
    answers, said = _Answers(), []
    items = [_item("DaemonSet", "collector", namespace="airis-collector"), _item("StatefulSet", "keeper")]
    wait(Cluster(answers, "airis"), items, seconds=0, say=said.append)
    assert said == ["DaemonSet/collector: 1/1 ready", "StatefulSet/keeper: 1/1 ready"]

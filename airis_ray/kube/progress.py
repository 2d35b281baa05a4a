"""How far an object is on its way to what was asked of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from airis_ray.errors import NotFound, Unavailable
from airis_ray.kube.cluster import Cluster
from airis_ray.kube.manifests import Manifest

WAITED: Final = ("StatefulSet", "Deployment", "DaemonSet", "RayService", "Job", "Certificate")
"""Kinds that take time; every other kind is done when it is applied."""

_POLL_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Progress:
    """``failed`` says that waiting is of no use."""

    done: bool
    detail: str
    failed: bool = False


def progress(item: Manifest) -> Progress:
    """The progress of one object by its status."""
    spec: dict[str, Any] = item.get("spec") or {}
    status: dict[str, Any] = item.get("status") or {}
    seen = status.get("observedGeneration", 0) >= item.get("metadata", {}).get("generation", 0)
    match item["kind"]:
        case "StatefulSet" | "Deployment":
            wanted = spec.get("replicas", 1)
            ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
            return Progress(seen and ready >= wanted and updated >= wanted, f"{ready}/{wanted} ready")
        case "DaemonSet":
            wanted, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
            current = status.get("updatedNumberScheduled", 0)
            return Progress(seen and ready >= wanted and current >= wanted, f"{ready}/{wanted} ready")
        case "RayService":
            return _ray_service(status, seen)
        case "Job":
            conditions = _conditions(status)
            if "Failed" in conditions:
                return Progress(False, f"failed: {conditions['Failed'].get('message', '')}", failed=True)
            done = "Complete" in conditions
            return Progress(done, "complete" if done else f"{status.get('active', 0)} active")
        case "Certificate":
            ready_condition = _conditions(status).get("Ready")
            return Progress(ready_condition is not None, "ready" if ready_condition else "not issued yet")
        case _:
            return Progress(True, "there")


def _ray_service(status: dict[str, Any], seen: bool) -> Progress:
    conditions = _conditions(status)
    upgrading = "UpgradeInProgress" in conditions
    ready = "Ready" in conditions
    if ready and not upgrading:
        return Progress(seen, "ready")
    message = next(
        (row.get("message", "") for row in status.get("conditions", ()) if row["type"] == "Ready"), ""
    )
    return Progress(False, "upgrading" if upgrading else message or "starting")


def _conditions(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The conditions that hold, by type."""
    return {row["type"]: row for row in status.get("conditions") or () if row.get("status") == "True"}


def wait(
    cluster: Cluster,
    items: Iterable[Manifest],
    *,
    seconds: float,
    say: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until every object is what was asked of it, and say each step.

    Raises Unavailable at the time limit, with what is still missing, and at once where an object failed for good.
    """
    limit = clock() + seconds
    said: dict[str, str] = {}
    waiting = [item for item in items if item["kind"] in WAITED]
    while True:
        left = []
        for item in waiting:
            name = f"{item['kind']}/{item['metadata']['name']}"
            state = _ask(cluster, item)
            if said.get(name) != state.detail:
                say(f"{name}: {state.detail}")
                said[name] = state.detail
            if state.failed:
                raise Unavailable(f"{name} {state.detail}")
            if not state.done:
                left.append(item)
        if not left:
            return
        waiting = left
        if clock() >= limit:
            names = [f"{item['kind']}/{item['metadata']['name']}" for item in left]
            missing = ", ".join(f"{name} ({said[name]})" for name in names)
            raise Unavailable(f"not there after {seconds:.0f} s: {missing}")
        sleep(_POLL_SECONDS)


def _ask(cluster: Cluster, item: Manifest) -> Progress:
    try:
        metadata = item["metadata"]
        space = metadata.get("namespace")
        return progress(cluster.get(item["apiVersion"], item["kind"], metadata["name"], namespace=space))
    except NotFound:
        return Progress(False, "not there yet")

"""Watching KubeRay hand over from one Ray cluster to another."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from airis_ray.errors import Unavailable
from airis_ray.kube.changes import ray_service
from airis_ray.kube.cluster import Cluster
from airis_ray.kube.progress import progress
from airis_ray.kube.state import RayState, images_of, ray_states, upgrade_state

_POLL_SECONDS: Final = 3.0


def watch(
    cluster: Cluster,
    image: str | None,
    *,
    seconds: float,
    say: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Say each step of the old and the new cluster until the service is ready again and ``image`` serves.

    Raises Unavailable at the time limit, with both clusters' states; the old one serves until the new one is ready.
    """
    limit = clock() + seconds
    said = ""
    while True:
        service = ray_service(cluster)
        clusters = ray_states(service, images_of(cluster))
        line = f"upgrade {upgrade_state(service)}: " + "; ".join(_line(state) for state in clusters)
        if line != said:
            say(line)
            said = line
        serving = [state.image for state in clusters if state.role == "serving"]
        if progress(service).done and len(clusters) == 1 and image in (None, *serving):
            return
        if clock() >= limit:
            raise Unavailable(f"the upgrade is not through after {seconds:.0f} s: {line}")
        sleep(_POLL_SECONDS)


def _line(state: RayState) -> str:
    applications = ", ".join(
        f"{name} {value}" for name, value in state.applications.items() if value != "RUNNING"
    )
    waiting = f", waiting for {applications}" if applications else ""
    return f"{state.role} {state.name} {state.state}, {state.workers} workers, {state.image}{waiting}"

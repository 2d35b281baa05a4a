"""The platform stopped for a while: nothing writes to the store meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from airis_ray.errors import Unavailable
from airis_ray.kube.changes import carry_out, ray_service, suspended
from airis_ray.kube.cluster import Cluster
from airis_ray.kube.state import RAY, SERVICE

_POLL_SECONDS: Final = 2.0
_OURS: Final = f"ray.io/originated-from-crd=RayService,ray.io/originated-from-cr-name={SERVICE}"


@contextmanager
def stopped(
    cluster: Cluster,
    *,
    seconds: float,
    dry_run: bool,
    say: Callable[[str], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Stop the platform, wait until its pods are gone, and start it again however the work inside ended.

    Raises Unavailable where pods are left at the time limit. A platform that was stopped before stays stopped.
    """
    before = ray_service(cluster)
    if before["spec"].get("suspend"):
        yield
        return
    change = suspended(True)
    carry_out(cluster, change, dry_run=dry_run)
    say(change.said + (" (dry run: nothing was changed)" if dry_run else ""))
    try:
        if not dry_run:
            _wait_gone(cluster, clock() + seconds, clock, sleep)
        yield
    finally:
        change = suspended(False)
        carry_out(cluster, change, dry_run=dry_run)
        say(change.said + (" (dry run: nothing was changed)" if dry_run else ""))


def _wait_gone(
    cluster: Cluster, limit: float, clock: Callable[[], float], sleep: Callable[[float], None]
) -> None:
    """Wait until the service's Ray clusters and their pods are gone."""
    names: set[str] = set()
    while True:
        names |= {item["metadata"]["name"] for item in cluster.find(RAY, "RayCluster", _OURS)}
        pods = cluster.find("v1", "Pod", f"ray.io/cluster in ({','.join(sorted(names))})") if names else []
        left = len(pods) + len(cluster.find(RAY, "RayCluster", _OURS))
        if not left:
            return
        if clock() >= limit:
            raise Unavailable(f"the platform does not stop: {left} Ray clusters and pods are left")
        sleep(_POLL_SECONDS)

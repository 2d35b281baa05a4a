"""How KubeRay runs the platform: upgrades, authentication, scaling, what a lost head or pod costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from airis_ray.kube.manifests import Manifest
from tests.support.kube.objects import Finding, Object, Overlay
from tests.support.kube.pods import PodTemplate, at, matches, pod_templates

_SERVICE: Final[Mapping[str, object]] = {
    "spec.upgradeStrategy.type": "NewCluster",  # the incremental kind does not shift OTLP/gRPC
    "spec.excludeHeadPodFromServeSvc": True,
    "spec.rayClusterConfig.enableInTreeAutoscaling": True,
    "spec.rayClusterConfig.autoscalerOptions.version": "v2",
    "spec.rayClusterConfig.authOptions.mode": "token",
    "spec.rayClusterConfig.gcsFaultToleranceOptions.redisAddress": "redis-gcs:6379",
    "spec.rayClusterConfig.headGroupSpec.rayStartParams.num-cpus": "0",
}
_JOB: Final[Mapping[str, object]] = {
    "spec.shutdownAfterJobFinishes": True,
    "spec.rayClusterSpec.authOptions.mode": "token",
    "spec.rayClusterSpec.headGroupSpec.rayStartParams.num-cpus": "0",
}
_KINDS_OF_WORK: Final = ("light", "stream", "aiops")
_APART: Final = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")


def settings_of_ray(overlay: Overlay) -> Iterator[Finding]:
    """The RayService and the RayJobs are set up as docs/decisions/kubernetes.md says; a job leaves nothing behind."""
    if not overlay.of("RayService"):
        yield Finding("RayService/airis", "metadata.name", "the overlay has none")
    for item in overlay.of("RayService"):
        yield from _fields(item, _SERVICE)
    for item in overlay.of("RayJob"):
        yield from _fields(item, _JOB)
        for field in ("activeDeadlineSeconds", "ttlSecondsAfterFinished"):
            if not isinstance(item.spec.get(field), int):
                yield item.finding(f"spec.{field}", "missing")


def _fields(item: Object, wanted: Mapping[str, object]) -> Iterator[Finding]:
    for path, value in wanted.items():
        if at(item.data, path) != value:
            yield item.finding(path, f"{at(item.data, path)!r}: expected {value!r}")


def worker_groups(overlay: Overlay) -> Iterator[Finding]:
    """There is a group for each kind of work; its pods are spread, and end only when Ray has stopped."""
    for item in overlay.of("RayService"):
        groups: list[Manifest] = at(item.data, "spec.rayClusterConfig.workerGroupSpecs") or []
        path = "spec.rayClusterConfig.workerGroupSpecs"
        for name in sorted(set(_KINDS_OF_WORK) - {str(group.get("groupName")) for group in groups}):
            yield item.finding(path, f"there is no group {name!r}")
        for index, group in enumerate(groups):
            containers = at(group, "template.spec.containers") or [{}]
            if at(containers[0], "lifecycle.preStop") is None:
                yield item.finding(
                    f"{path}[{index}].template.spec.containers[0].lifecycle.preStop", "missing: Ray is killed"
                )
    for template in pod_templates(overlay):
        if template.owner.kind == "RayService" and "workerGroupSpecs" in template.path:
            yield from _spread(template)


def _spread(template: PodTemplate) -> Iterator[Finding]:
    rows = template.spec.get("topologySpreadConstraints") or ()
    met = {row["topologyKey"] for row in rows if matches(row.get("labelSelector"), template.labels)}
    for key in _APART:
        if key not in met:
            where = f"{template.path}.spec.topologySpreadConstraints"
            yield template.owner.finding(where, f"none spreads these pods over {key}")


CHECKS = (settings_of_ray, worker_groups)

"""The KubeRay operator, where it is built, makes the pods of every overlay, and the cluster takes them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from airis_ray.kube.apply import apply
from airis_ray.kube.manifests import Manifest
from scripts.kube_api_build import OPERATOR
from tests.kube.conftest import OVERLAYS, built
from tests.kube_api.conftest import PROGRAMS, connected, started
from tests.kube_api.test_overlays import objects_of
from tests.support.kube.pods import templates_of

pytestmark = pytest.mark.skipif(
    not os.access(PROGRAMS / "bin" / OPERATOR, os.X_OK),
    reason="the KubeRay operator is not built (scripts/kube-api build --operator)",
)

_SECONDS = 90.0


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda folder: folder.name)
def test_the_operator_makes_the_pods(folder: Path, tmp_path: Path, definitions: list[Manifest]) -> None:
    api = started(tmp_path, definitions, controllers=True)
    try:
        api.start_operator()
        cluster = connected(api)
        apply(cluster, objects_of(folder), dry_run=False, force=False, say=lambda line: None)
        [service] = built(folder).of("RayService")
        wanted = {"headgroup"} | {
            template.labels["ray.io/group"]
            for template, group in zip(
                list(templates_of(service))[1:],
                service.spec["rayClusterConfig"]["workerGroupSpecs"],
                strict=True,
            )
            if group.get("replicas", group.get("minReplicas", 0))
        }
        limit = time.monotonic() + _SECONDS
        while True:
            pods = cluster.find("v1", "Pod", "ray.io/is-ray-node=yes")
            groups = {pod["metadata"]["labels"]["ray.io/group"] for pod in pods}
            if wanted <= groups:
                break
            assert time.monotonic() < limit, (
                f"{wanted - groups} of {wanted} have no pod: {tmp_path / OPERATOR}.log"
            )
            time.sleep(0.5)
        cluster.close()
    finally:
        api.stop()

"""A real API server (scripts/kube-api), with the custom resource definitions that the overlays need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from airis_ray.kube.cluster import Cluster
from airis_ray.kube.manifests import Manifest, parse
from airis_ray.settings import Settings
from scripts.kube_api import KubeApi
from scripts.kube_api_build import CACHE, missing
from tests.kube.conftest import ROOT

_TEST = Settings.from_env().test
PROGRAMS = _TEST.kube_api or ROOT / CACHE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One line says why, where there is no API server or are no definitions."""
    left = missing(PROGRAMS)
    reason = f"not built: {', '.join(left)} (scripts/kube-api build)" if left else ""
    if _TEST.schemas is None:
        reason = "AIRIS_TEST_SCHEMAS names no folder of custom resource definitions"
    for item in items:
        if reason and "kube_api" in item.path.parts:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def definitions() -> list[Manifest]:
    """The definitions of every kind that an overlay may use."""
    assert _TEST.schemas is not None
    groups = ("ray.io", "monitoring.coreos.com", "istio.io", "chaos-mesh.org", "keda.sh", "cert-manager.io")
    wanted = re.compile(rf"^  group: ([\w.-]+\.)?({'|'.join(map(re.escape, groups))})$", re.MULTILINE)
    texts = (path.read_text(encoding="utf-8") for path in sorted(_TEST.schemas.rglob("*.yaml")))
    found = [item for text in texts if wanted.search(text) for item in parse(text)]
    return [item for item in found if item["kind"] == "CustomResourceDefinition"]


def started(folder: Path, definitions: list[Manifest], *, controllers: bool) -> KubeApi:
    """A cluster with the definitions."""
    api = KubeApi(folder, cache=PROGRAMS).start(controllers=controllers)
    for item in definitions:
        api.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", item)
    api.until_served([(item["spec"]["group"], item["spec"]["names"]["plural"]) for item in definitions])
    return api


def connected(api: KubeApi, kubeconfig: Path | None = None) -> Cluster:
    """A connection of `airis kube` to it."""
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.config import load_kube_config

    configuration = Configuration()
    load_kube_config(
        str(kubeconfig or api.kubeconfig), client_configuration=configuration, persist_config=False
    )
    configuration.retries = False
    return Cluster(ApiClient(configuration), "airis")


@pytest.fixture(scope="module")
def cluster_with_nodes(
    tmp_path_factory: pytest.TempPathFactory, definitions: list[Manifest]
) -> Iterator[KubeApi]:
    """A cluster with controllers, scheduler and KWOK's nodes."""
    api = started(tmp_path_factory.mktemp("nodes"), definitions, controllers=True)
    yield api
    api.stop()

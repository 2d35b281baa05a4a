"""A real API server takes every overlay: no rejection, no warning, and nothing changes the second time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airis_ray.kube.apply import apply
from airis_ray.kube.cluster import Cluster
from airis_ray.kube.manifests import Manifest
from scripts.kube_api import KubeApi
from tests.kube.conftest import OVERLAYS, UNDEFINED, built
from tests.kube_api.conftest import connected, started


def objects_of(folder: Path) -> list[Manifest]:
    """The objects of an overlay whose kinds are defined here."""
    items = [item.data for item in built(folder).objects]
    return [item for item in items if item["apiVersion"].rpartition("/")[0] not in UNDEFINED]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, definitions: list[Manifest]) -> Iterator[KubeApi]:
    """etcd and the API server, without controllers: nothing acts on what is applied."""
    api = started(tmp_path_factory.mktemp("server"), definitions, controllers=False)
    yield api
    api.stop()


@pytest.fixture
def cluster(server: KubeApi) -> Iterator[Cluster]:
    """A connection of its own: it remembers the warnings."""
    connection = connected(server)
    yield connection
    connection.close()


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda folder: folder.name)
def test_the_server_takes_every_object(folder: Path, server: KubeApi, cluster: Cluster) -> None:
    items = objects_of(folder)
    try:
        done = apply(cluster, items, dry_run=False, force=False, say=lambda line: None)
        made = [item for item in done if not item.object.startswith("Namespace/")]
        assert [item.object for item in made if item.outcome != "created"] == []
        again = apply(cluster, items, dry_run=False, force=False, say=lambda line: None)
        assert [item.object for item in again if item.outcome != "unchanged"] == []
        for item in built(folder).embedded:
            cluster.apply(item.data, dry_run=True)
        assert cluster.warnings == []
    finally:
        for item in items:
            if item["kind"] != "Namespace":
                _delete(server, cluster, item)


def _delete(server: KubeApi, cluster: Cluster, item: Manifest) -> None:
    metadata = item["metadata"]
    kind = cluster.kind(item["apiVersion"], item["kind"])
    path = kind.path(metadata.get("namespace"), metadata["name"])
    # A Job would else wait for the garbage collector to let its pods go.
    server.call("DELETE", f"{path}?propagationPolicy=Background")

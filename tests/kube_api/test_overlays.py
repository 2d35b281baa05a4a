"""A real API server takes every overlay: no rejection, no warning, and nothing changes the second time."""

from __future__ import annotations

from pathlib import Path

import pytest

from airis_ray.kube.apply import apply
from airis_ray.kube.manifests import Manifest
from tests.kube.conftest import OVERLAYS, UNDEFINED, built
from tests.kube_api.conftest import connected, started


def objects_of(folder: Path) -> list[Manifest]:
    """The objects of an overlay whose kinds are defined here."""
    items = [item.data for item in built(folder).objects]
    return [item for item in items if item["apiVersion"].rpartition("/")[0] not in UNDEFINED]


@pytest.mark.parametrize("folder", OVERLAYS, ids=lambda folder: folder.name)
def test_the_server_takes_every_object(folder: Path, tmp_path: Path, definitions: list[Manifest]) -> None:
    api = started(tmp_path, definitions, controllers=False)
    try:
        cluster = connected(api)
        items = objects_of(folder)
        said: list[str] = []
        planned = apply(cluster, items, dry_run=True, force=False, say=said.append)
        assert [item.outcome for item in planned] == ["created"] * len(items)
        done = apply(cluster, items, dry_run=False, force=False, say=said.append)
        assert [item.outcome for item in done] == ["created"] * len(items)
        again = apply(cluster, items, dry_run=False, force=False, say=said.append)
        assert [item.object for item in again if item.outcome != "unchanged"] == []
        assert cluster.warnings == []
        embedded = [item.data for item in built(folder).embedded]
        for item in embedded:
            cluster.apply(item, dry_run=True)
        assert cluster.warnings == []
        cluster.close()
    finally:
        api.stop()

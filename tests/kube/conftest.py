"""The overlays, each built once for the run."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from airis_ray.settings import Settings
from tests.support.kube.crds import Definitions
from tests.support.kube.objects import Overlay, load, overlays

ROOT = Path(__file__).parents[2]
KUBERAY = ROOT / "kuberay"
OVERLAYS = overlays(KUBERAY)

UNDEFINED = frozenset({"external-secrets.io"})
"""Groups whose definitions the folder of schemas does not have; no check but our own reads their objects."""


@cache
def built(folder: Path) -> Overlay:
    """An overlay of the repository."""
    return load(folder, KUBERAY)


@pytest.fixture(params=OVERLAYS, ids=lambda folder: folder.name)
def overlay(request: pytest.FixtureRequest) -> Overlay:
    """Each overlay of the repository in turn."""
    return built(request.param)


@pytest.fixture
def dev() -> Overlay:
    """The smallest overlay; a test that changes it copies it first."""
    return built(KUBERAY / "overlays" / "dev")


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    """The custom resource definitions of AIRIS_TEST_SCHEMAS."""
    folder = Settings.from_env().test.schemas
    if folder is None:
        pytest.skip("AIRIS_TEST_SCHEMAS names no folder of custom resource definitions")
    return Definitions(folder)

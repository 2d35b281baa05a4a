"""Every overlay, without a cluster: schemas, custom resource definitions, and what no schema says."""

from __future__ import annotations

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from scripts.kube_flows import files as made_files
from tests.kube.conftest import KUBERAY, OVERLAYS, ROOT, UNDEFINED, built
from tests.support.kube import core
from tests.support.kube.checks import (
    flows,
    least,
    mesh,
    ports,
    ray,
    references,
    report,
    running,
    security,
    selectors,
    sizes,
)
from tests.support.kube.crds import Definitions
from tests.support.kube.objects import Check, Finding, Object, Overlay, walk

CHECKS: tuple[Check, ...] = (
    *selectors.CHECKS,
    *ports.CHECKS,
    *references.CHECKS,
    *sizes.CHECKS,
    *least.CHECKS,
    *security.CHECKS,
    *flows.CHECKS,
    *running.CHECKS,
    *ray.CHECKS,
    *mesh.CHECKS,
    *report.CHECKS,
)


def told(findings: list[Finding]) -> None:
    """Fail with every finding on a line of its own."""
    if findings:
        lines = "\n".join(f"  {finding}" for finding in sorted(set(findings)))
        pytest.fail(f"{len(set(findings))} found\n{lines}", pytrace=False)


def is_core(item: Object) -> bool:
    """A kind of Kubernetes itself: no group, a short one, or one of ``k8s.io`` that is no extension's."""
    group = item.api_version.rpartition("/")[0]
    extensions = ("gateway.networking.k8s.io", "snapshot.storage.k8s.io", "groupsnapshot.storage.k8s.io")
    return "." not in group or (group.endswith(".k8s.io") and group not in extensions)


def test_there_are_overlays() -> None:
    assert {"dev", "aws", "production"} <= {folder.name for folder in OVERLAYS}


@pytest.mark.parametrize("version", core.VERSIONS)
def test_core_kinds_are_those_of_kubernetes(overlay: Overlay, version: str) -> None:
    told([found for item in overlay.everything if is_core(item) for found in core.check(item, version)])


def test_the_quick_reading_of_the_schemas_is_kubernetes_validate(dev: Overlay) -> None:
    for item in dev.objects:
        if is_core(item):
            kubernetes_validate.validate(item.data, core.VERSIONS[-1], strict=True)


def test_custom_kinds_are_those_of_their_definitions(overlay: Overlay, definitions: Definitions) -> None:
    custom = [item for item in overlay.everything if not is_core(item)]
    known = [item for item in custom if item.api_version.rpartition("/")[0] not in UNDEFINED]
    told([found for item in known for found in definitions.check(item)])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_what_no_schema_says(overlay: Overlay, check: Check) -> None:
    told(list(check(overlay)))


def test_the_table_differs_from_the_report_with_a_reason_only(dev: Overlay) -> None:
    told(
        [
            Finding("kuberay/sizes.yaml", f"{part}.{field}", text)
            for part, field, text in sizes.deviations(dev.tables["sizes"])
        ]
    )


def test_no_secret_lies_in_the_repository(overlay: Overlay) -> None:
    told(
        [
            item.finding("data", "a Secret with data in the repository")
            for item in overlay.of("Secret")
            if item.data.get("data") or item.data.get("stringData")
        ]
    )


def test_every_image_of_the_table_is_used() -> None:
    used: set[tuple[str, str | None]] = set()
    for folder in OVERLAYS:
        for item in built(folder).everything:
            used |= {
                security.split(value["image"])
                for _, value in walk(item.data)
                if isinstance(value.get("image"), str)
            }
    rows = built(OVERLAYS[0]).tables["images"]["images"]
    assert {(row["name"], str(row["tag"])) for row in rows} - used == set()


def test_policies_and_picture_are_made_from_the_table() -> None:
    stale = [
        str(path.relative_to(KUBERAY))
        for path, text in made_files()
        if path.read_text(encoding="utf-8") != text
    ]
    assert not stale, "run scripts/kube_flows.py"


def test_every_recommendation_names_files_that_are_there() -> None:
    text = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(kuberay/[\w./-]+|airis_ray/[\w./-]+|scripts/[\w./-]+)`", text))
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_file_of_the_folder_is_used() -> None:
    """A manifest that no overlay reaches is checked by nobody."""
    reached = {path for folder in OVERLAYS for path in _reached(folder)}
    written = set(KUBERAY.rglob("kustomization.yaml"))
    assert not written - reached, sorted(str(path.relative_to(KUBERAY)) for path in written - reached)


def _reached(folder: Path) -> set[Path]:
    file = folder / "kustomization.yaml"
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    found = {file}
    for name in (*(data.get("resources") or ()), *(data.get("components") or ())):
        inner = (folder / name).resolve()
        if inner.is_dir():
            found |= _reached(inner)
    return found

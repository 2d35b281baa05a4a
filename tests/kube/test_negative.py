"""What is wrong in an overlay fails with the object and the field: the checks bite."""

from __future__ import annotations

import os
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kube.conftest import KUBERAY
from tests.kube.test_overlays import CHECKS, is_core
from tests.support.kube import core
from tests.support.kube.checks import flows, least, ports, references, running, security, selectors, sizes
from tests.support.kube.crds import Definitions
from tests.support.kube.objects import Check, Finding, Object, Overlay, load

GONE = object()
"""The value of a field that is taken away."""


def _overlay(folder: Path, **more: Any) -> Overlay:
    """The dev overlay with something on top, built by kustomize as an operator would."""
    base = os.path.relpath(KUBERAY / "overlays" / "dev", folder)
    own = folder / "dev"
    own.mkdir()
    text = yaml.safe_dump({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"})
    text += yaml.safe_dump({"resources": [os.path.join("..", base)], **more})
    (own / "kustomization.yaml").write_text(text, encoding="utf-8")
    return load(own, KUBERAY)


def _patch(kind: str, name: str, *operations: dict[str, Any]) -> dict[str, Any]:
    return {"patches": [{"target": {"kind": kind, "name": name}, "patch": yaml.safe_dump(list(operations))}]}


def _all(overlay: Overlay) -> set[tuple[str, str]]:
    """(object, field) of everything that any check finds, schemas of the newest Kubernetes included."""
    found: list[Finding] = [finding for check in CHECKS for finding in check(overlay)]
    for item in overlay.everything:
        if is_core(item):
            found += core.check(item, core.VERSIONS[-1])
    return {(finding.object, finding.field) for finding in found}


_SECRET = {"name": "X", "valueFrom": {"secretKeyRef": {"name": "nowhere", "key": "password"}}}
_CONTAINER = "/spec/template/spec/containers/0"


@pytest.mark.parametrize(
    ("more", "named", "field"),
    [
        (
            _patch(
                "StatefulSet", "clickhouse", {"op": "add", "path": f"{_CONTAINER}/env/-", "value": _SECRET}
            ),
            "StatefulSet/clickhouse",
            r"spec\.template\.spec\.containers\[0\]\.env\[\d+\]\.valueFrom\.secretKeyRef\.name",
        ),
        (
            {"images": [{"name": "clickhouse/clickhouse-server", "newTag": "latest"}]},
            "StatefulSet/clickhouse",
            r"spec\.template\.spec\.containers\[0\]\.image",
        ),
        (
            {"images": [{"name": "clickhouse/clickhouse-server", "newTag": "1.1.1"}]},
            "StatefulSet/clickhouse",
            r"spec\.template\.spec\.containers\[0\]\.image",
        ),
        (
            _patch(
                "StatefulSet",
                "clickhouse",
                {"op": "add", "path": f"{_CONTAINER}/imagePulPolicy", "value": "Always"},
            ),
            "StatefulSet/clickhouse",
            r"spec\.template\.spec\.containers\[0\]",
        ),
    ],
    ids=["missing secret", "floating tag", "wrong tag", "unknown field"],
)
def test_a_bad_overlay_fails_with_object_and_field(
    more: dict[str, Any], named: str, field: str, tmp_path: Path, dev: Overlay
) -> None:
    new = _all(_overlay(tmp_path, **more)) - _all(dev)
    assert any(name == named and re.fullmatch(field, path) for name, path in new), new


def test_an_unknown_field_of_a_custom_kind_fails(tmp_path: Path, definitions: Definitions) -> None:
    operation = {"op": "add", "path": "/spec/rayClusterConfig/headGroupSpec/rayStartParam", "value": {}}
    overlay = _overlay(tmp_path, **_patch("RayService", "airis", operation))
    [service] = overlay.of("RayService")
    fields = [(found.object, found.field) for found in definitions.check(service)]
    assert fields == [("RayService/airis", "spec.rayClusterConfig.headGroupSpec.rayStartParam")]


def _set(value: Any, path: str, new: object) -> None:
    *steps, last = [
        int(step) if step.isdigit() else step.strip("'") for step in re.findall(r"'[^']+'|[^.\[\]]+", path)
    ]
    for step in steps:
        value = value[step]
    if new is GONE:
        del value[last]
    else:
        value[last] = new(value[last]) if callable(new) else new


def changed(overlay: Overlay, kind: str, name: str, path: str, new: object) -> Overlay:
    """The overlay with one field changed, by a function of what it was or to a new value; an empty ``path`` takes the
    object away. A ConfigMap's name stands without its hash."""
    objects = []
    for item in overlay.objects:
        plain = re.sub(r"-[a-z0-9]{10}$", "", item.name) if item.kind == "ConfigMap" else item.name
        if (item.kind, plain) != (kind, name):
            objects.append(item)
        elif path:
            data = deepcopy(item.data)
            _set(data, path, new)
            objects.append(Object(data))
    return Overlay(overlay.name, tuple(objects), overlay.tables)


_TEMPLATE = "spec.template.spec.containers[0]"

_CLICKHOUSE = ("StatefulSet", "clickhouse")
_NOBODY = {"matchLabels": {"a": "b"}}
_PROBE = {"httpGet": {"port": "nowhere"}}
_LIMITS, _REQUESTS = f"{_TEMPLATE}.resources.limits", f"{_TEMPLATE}.resources.requests"
_TOKEN = "spec.template.spec.automountServiceAccountToken"
_GROUP = "spec.rayClusterConfig.workerGroupSpecs[0]"

FAULTS: list[tuple[Check, tuple[str, str], str, object, str]] = [
    # check, changed object, changed field ("" takes the object away), new value, object that is named
    (selectors.workload_selectors, _CLICKHOUSE, "spec.selector", _NOBODY, "StatefulSet/clickhouse"),
    (
        selectors.service_selectors,
        ("Service", "clickhouse"),
        "spec.selector",
        {"a": "b"},
        "Service/clickhouse",
    ),
    (selectors.headless, _CLICKHOUSE, "spec.serviceName", "nobody", "StatefulSet/clickhouse"),
    (
        selectors.identities,
        ("ServiceAccount", "keeper"),
        "metadata.name",
        "clickhouse",
        "ServiceAccount/clickhouse",
    ),
    (
        selectors.other_selectors,
        ("NetworkPolicy", "clickhouse"),
        "spec.podSelector",
        _NOBODY,
        "NetworkPolicy/clickhouse",
    ),
    (
        ports.service_ports,
        ("Service", "clickhouse"),
        "spec.ports[0].targetPort",
        "nowhere",
        "Service/clickhouse",
    ),
    (ports.probe_ports, _CLICKHOUSE, f"{_TEMPLATE}.readinessProbe", _PROBE, "StatefulSet/clickhouse"),
    (
        references.volumes,
        _CLICKHOUSE,
        f"{_TEMPLATE}.volumeMounts[0].name",
        "nowhere",
        "StatefulSet/clickhouse",
    ),
    (references.names, ("ServiceAccount", "clickhouse"), "", None, "StatefulSet/clickhouse"),
    (references.volumes, ("StorageClass", "fast-ssd"), "", None, "StatefulSet/clickhouse"),
    (references.namespaces, ("Namespace", "airis"), "metadata.name", "other", "StatefulSet/clickhouse"),
    (sizes.stateful, _CLICKHOUSE, "spec.replicas", 7, "StatefulSet/clickhouse"),
    (sizes.stateful, _CLICKHOUSE, "", None, "StatefulSet/clickhouse"),
    (sizes.stateful, _CLICKHOUSE, f"{_REQUESTS}.memory", "5Gi", "StatefulSet/clickhouse"),
    (sizes.order, _CLICKHOUSE, f"{_REQUESTS}.cpu", "99", "StatefulSet/clickhouse"),
    (sizes.order, _CLICKHOUSE, _LIMITS, GONE, "StatefulSet/clickhouse"),
    (sizes.ray, ("RayService", "airis"), f"{_GROUP}.maxReplicas", 99, "RayService/airis"),
    (
        sizes.claims,
        ("PersistentVolumeClaim", "objects"),
        "spec.resources.requests.storage",
        "1Gi",
        "PersistentVolumeClaim/objects",
    ),
    (sizes.claims, ("PersistentVolumeClaim", "objects"), "", None, "PersistentVolumeClaim/objects"),
    (references.volumes, ("PersistentVolumeClaim", "objects"), "", None, "RayService/airis"),
    (least.fits, ("RayService", "airis"), f"{_GROUP}.minReplicas", 0, "RayService/airis"),
    (least.fits, ("RayService", "airis"), f"{_GROUP}.labels", {"airis/work": "x"}, "RayService/airis"),
    (security.restricted, _CLICKHOUSE, f"{_TEMPLATE}.securityContext", GONE, "StatefulSet/clickhouse"),
    (security.tokens, _CLICKHOUSE, _TOKEN, True, "StatefulSet/clickhouse"),
    (running.probes, _CLICKHOUSE, f"{_TEMPLATE}.readinessProbe", GONE, "StatefulSet/clickhouse"),
    (running.old_names, ("Service", "api-gateway"), "", None, "Service/api-gateway"),
    (running.old_names, ("Service", "api-gateway"), "spec.ports[0].port", 3999, "Service/api-gateway"),
    (flows.drawn, ("NetworkPolicy", "clickhouse"), "", None, "NetworkPolicy"),
    (flows.default_deny, ("NetworkPolicy", "deny"), "", None, "Namespace/airis"),
]


@pytest.mark.parametrize(
    ("check", "item", "path", "new", "named"),
    FAULTS,
    ids=[f"{check.__name__} {item[0]} {path[-30:]}" for check, item, path, _, _ in FAULTS],
)
def test_each_check_bites(
    check: Check, item: tuple[str, str], path: str, new: object, named: str, dev: Overlay
) -> None:
    assert dev.get(*item) is not None, f"the overlay has no {'/'.join(item)} any more"
    found = set(check(changed(dev, *item, path, new))) - set(check(dev))
    assert any(finding.object.startswith(named) for finding in found), found

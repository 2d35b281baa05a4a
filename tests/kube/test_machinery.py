"""The checkers themselves, on objects of a few lines."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from airis_ray.errors import InvalidInput
from airis_ray.kube.manifests import parse
from tests.support.kube import core
from tests.support.kube.cel import holds, property_name
from tests.support.kube.checks.flows import drawn
from tests.support.kube.crds import Definitions, with_defaults
from tests.support.kube.objects import Object, Overlay
from tests.support.kube.pods import matches
from tests.support.kube.quantities import amount


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", "0.5"),
        ("4Gi", 4 * 2**30),
        ("2", 2),
        ("1e3", 1000),
        ("1.5G", 1_500_000_000),
        ("0", 0),
        (".5", "0.5"),
    ],
)
def test_quantities(text: str, value: str | int) -> None:
    assert amount(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "4GB", "m", "1 Gi", "-"])
def test_no_quantities(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        amount(text)


def test_yaml_is_read_as_kubernetes_reads_it() -> None:
    text = "{apiVersion: v1, kind: X, a: 2026-01-01, b: 1:30, c: =, d: on, e: 0x10, f: '1', g: 1.5, h: null, i: ~}"
    [item] = parse(text)
    assert (item["a"], item["b"], item["c"], item["d"]) == ("2026-01-01", "1:30", "=", True)
    assert (item["e"], item["f"], item["g"], item["h"], item["i"]) == (16, "1", 1.5, None, None)


@pytest.mark.parametrize("text", ["just text", "a: 1", "a: [", "- 1"])
def test_what_is_no_object_is_told(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse(text)


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ("self in ['a', 'b']", "c", False),
        ("!has(self.x) || self.x.size() < 3", {"x": [1]}, True),
        ("duration(self) >= duration('1ms')", "1s", True),
        ("url(self).getScheme() in ['http']", "https://a/b", False),
        ("isQuantity(self) && quantity(self).isLessThan(quantity('1Gi'))", "500Mi", True),
        ("self.__namespace__ == 'x'", {"__namespace__": "x"}, True),
        ("self.all(h, !isIP(h))", ["10.0.0.1"], False),
        ("self.split('/')[0].size() < 5", "abc/d", True),
        ("self.find('[0-9]+') == '12'", "a12", True),
    ],
)
def test_rules(rule: str, value: object, expected: bool) -> None:
    assert holds(rule, value) is expected


def test_property_names_are_escaped() -> None:
    assert [property_name(name) for name in ("namespace", "a-b", "a.b", "plain")] == [
        "__namespace__",
        "a__dash__b",
        "a__dot__b",
        "plain",
    ]


def test_defaults_go_all_the_way_down() -> None:
    schema = {"properties": {"a": {"default": {}, "properties": {"b": {"default": 1}}}, "c": {"default": 2}}}
    assert with_defaults({"c": 3}, schema) == {"a": {"b": 1}, "c": 3}


def _service(**spec: Any) -> Object:
    cluster = {
        "headGroupSpec": {
            "rayStartParams": {},
            "template": {"spec": {"containers": [{"name": "a", "image": "b:1"}]}},
        }
    }
    return Object(
        {
            "apiVersion": "ray.io/v1",
            "kind": "RayService",
            "metadata": {"name": "airis", "labels": {"a": "b"}},
            "spec": {"rayClusterConfig": cluster, **spec},
        }
    )


def test_a_custom_resource_may_be_right(definitions: Definitions) -> None:
    assert not list(definitions.check(_service()))


@pytest.mark.parametrize(
    ("spec", "field", "detail"),
    [
        ({"serveConfig": "x"}, "spec.serveConfig", "unknown field 'serveConfig'"),
        ({"managedBy": "nobody"}, "spec.managedBy", "managedBy"),
        ({"rayClusterDeletionDelaySeconds": "60"}, "spec.rayClusterDeletionDelaySeconds", "is not of type"),
        ({"rayClusterConfig": {}}, "spec.rayClusterConfig", "'headGroupSpec' is a required property"),
        ({"upgradeStrategy": {"type": 1}}, "spec.upgradeStrategy.type", "is not of type"),
    ],
)
def test_a_custom_resource_may_be_wrong(
    definitions: Definitions, spec: dict[str, Any], field: str, detail: str
) -> None:
    findings = list(definitions.check(_service(**spec)))
    assert [found.field for found in findings] == [field]
    assert detail in findings[0].detail
    assert findings[0].object == "RayService/airis"


def test_an_unknown_custom_kind_is_told(definitions: Definitions) -> None:
    item = Object({"apiVersion": "ray.io/v1", "kind": "RayServise", "metadata": {"name": "a"}})
    assert [found.field for found in definitions.check(item)] == ["apiVersion"]


@pytest.mark.parametrize("version", core.VERSIONS)
def test_a_core_kind_may_be_wrong(version: str) -> None:
    [item] = parse(
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {ports: [{port: x, prot: 1}]}}"
    )
    fields = {found.field for found in core.check(Object(item), version)}
    assert "spec.ports[0].port" in fields
    assert "spec.ports[0]" in fields


def test_an_unknown_core_kind_is_told() -> None:
    item = Object({"apiVersion": "apps/v1", "kind": "Deploiment", "metadata": {"name": "a"}})
    assert [found.field for found in core.check(item, core.VERSIONS[-1])] == ["kind"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, True),
        ({"matchLabels": {"a": "1"}}, True),
        ({"matchLabels": {"a": "2"}}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, True),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "b", "operator": "DoesNotExist"}]}, True),
    ],
)
def test_selectors(selector: dict[str, Any], expected: bool) -> None:
    assert matches(selector, {"a": "1"}) is expected


_PODS = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: airis, labels: {part: web}}
spec: {containers: [{name: a, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: airis, labels: {part: db}}
spec: {containers: [{name: a, ports: [{containerPort: 9000}, {containerPort: 8123}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: airis}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: airis}
spec:
  podSelector: {matchLabels: {part: web}}
  policyTypes: [Ingress, Egress]
  ingress: [{ports: [{port: 80}]}]
  egress: [{to: [{podSelector: {matchLabels: {part: db}}}], ports: [{port: 9000}]}]
"""

_DB = """
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: airis}
spec:
  podSelector: {matchLabels: {part: db}}
  policyTypes: [Ingress]
  ingress: [{from: [{podSelector: {matchLabels: {part: web}}}], ports: [{port: 9000}]}]
"""

_PICTURE = {
    "parts": {"web": {"pods": {"part": "web"}}, "db": {"pods": {"part": "db"}}, "clients": {"any": True}},
    "flows": [
        {"from": "clients", "to": "web", "ports": [80]},
        {"from": ["db", "web"], "to": "web", "ports": [80]},
        {"from": "web", "to": "db", "ports": [9000]},
    ],
}


def _drawn(text: str) -> set[str]:
    overlay = Overlay("dev", tuple(Object(data) for data in parse(text)), {"flows": _PICTURE})
    return {found.detail.split(" (")[0] for found in drawn(overlay)}


def test_policies_let_through_what_is_drawn() -> None:
    # the default shuts the ways out of db and out of web to itself; everything else is as it is drawn
    assert _drawn(_PODS + _DB) == {
        "db → web TCP/80 is drawn, but no policy lets it through",
        "web → web TCP/80 is drawn, but no policy lets it through",
    }


def test_a_policy_that_is_missing_is_told() -> None:
    assert "web → db TCP/9000 is drawn, but no policy lets it through" in _drawn(_PODS)


def test_a_way_that_nobody_drew_is_told() -> None:
    wide = _DB.replace("port: 9000", "port: 8000, endPort: 9000").replace(
        "from: [{podSelector: {matchLabels: {part: web}}}], ", ""
    )
    told = _drawn(_PODS + wide)
    assert "clients → db TCP/8123 is let through, but it is not drawn" in told
    assert "clients → db TCP/9000 is let through, but it is not drawn" in told

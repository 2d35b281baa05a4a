"""What runs: probes, jobs, settings, monitoring, the old service names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version

import promql_parser
import yaml

from airis_ray.errors import InvalidInput
from airis_ray.kube.manifests import Manifest
from airis_ray.settings import Settings
from scripts.kube_serve_config import HTTP_PORT
from tests.support.kube.objects import Finding, Overlay, walk
from tests.support.kube.pods import at, pod_templates, selected, services

COLLECTORS = "airis-collector"
"""The namespace of the collectors that read the nodes."""


def ray_version(overlay: Overlay) -> Iterator[Finding]:
    """The Ray that KubeRay is told of is the one that this program runs on: it chooses probes and authentication."""
    for item in overlay.everything:
        for path, value in walk(item.data):
            told = value.get("rayVersion")
            if told is not None and told != version("ray"):
                yield item.finding(f"{path}.rayVersion", f"{told!r}: requirements.lock has {version('ray')}")


def probes(overlay: Overlay) -> Iterator[Finding]:
    """A container that runs for good says when it is ready and when it is alive (KubeRay adds those of Ray)."""
    for template in pod_templates(overlay):
        if not template.serving or template.ray:
            continue
        for path, container in template.containers:
            if ".initContainers" in path:
                continue
            for probe in ("readinessProbe", "livenessProbe"):
                if probe not in container:
                    yield template.owner.finding(f"{path}.{probe}", "missing")


def jobs(overlay: Overlay) -> Iterator[Finding]:
    """A job ends, does not meet itself, and leaves a bounded history."""
    for item in overlay.of("CronJob"):
        spec = item.spec
        for field in (
            "startingDeadlineSeconds",
            "successfulJobsHistoryLimit",
            "failedJobsHistoryLimit",
            "timeZone",
        ):
            if field not in spec:
                yield item.finding(f"spec.{field}", "missing")
        if spec.get("concurrencyPolicy") not in ("Forbid", "Replace"):
            yield item.finding(
                "spec.concurrencyPolicy", f"{spec.get('concurrencyPolicy')}: expected Forbid or Replace"
            )
        for field in ("activeDeadlineSeconds", "backoffLimit"):
            if at(item.data, f"spec.jobTemplate.spec.{field}") is None:
                yield item.finding(f"spec.jobTemplate.spec.{field}", "missing")


def settings(overlay: Overlay) -> Iterator[Finding]:
    """The AIRIS_* variables of a container are settings of the program, with values that it takes."""
    for template in pod_templates(overlay):
        for path, container in template.containers:
            variables = _variables(overlay, container)
            if not variables:
                continue
            try:
                Settings.from_env(variables)
            except InvalidInput as error:
                yield template.owner.finding(f"{path}.env", str(error))


def _variables(overlay: Overlay, container: Manifest) -> dict[str, str]:
    """The AIRIS_* variables whose values stand in the manifests or in kuberay/secrets.yaml, there without secrets."""
    found: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        named = overlay.get("ConfigMap", str(at(source, "configMapRef.name")))
        found |= (named.data.get("data") or {}) if named else {}
        found |= _made(overlay, str(at(source, "secretRef.name")))
    for entry in container.get("env") or ():
        if "valueFrom" not in entry:
            found[entry["name"]] = str(entry.get("value", ""))
    return {name: value for name, value in found.items() if name.startswith("AIRIS_") and "$(" not in value}


def _made(overlay: Overlay, name: str) -> dict[str, str]:
    """The keys of a Secret of kuberay/secrets.yaml with a made-up text for each secret in them."""
    rows = (overlay.tables.get("secrets") or {}).get("secrets", ())
    keys = next((row["keys"] for row in rows if row["name"] == name and isinstance(row["keys"], dict)), {})
    return {key: re.sub(r"\{[^}]*\}|^random$", "made-up", str(value)) for key, value in keys.items()}


def collectors(overlay: Overlay) -> Iterator[Finding]:
    """A collector's pipelines name what it defines; one that reads the nodes says of which pod each record is."""
    for item in overlay.of("ConfigMap"):
        for key, text in (item.data.get("data") or {}).items():
            if not key.endswith(".yaml") or "pipelines:" not in text:
                continue
            config = yaml.safe_load(text)
            for name, pipeline in at(config, "service.pipelines").items():
                where = f"data.{key} service.pipelines.{name}"
                for kind, listed in pipeline.items():
                    for unknown in sorted(set(listed) - (config.get(kind) or {}).keys()):
                        yield item.finding(f"{where}.{kind}", f"{unknown!r} is not defined")
                if item.namespace == COLLECTORS and "k8sattributes" not in pipeline.get("processors", ()):
                    yield item.finding(f"{where}.processors", "expected k8sattributes")


def monitors(overlay: Overlay) -> Iterator[Finding]:
    """Prometheus scrapes /metrics every 30 s."""
    for item in overlay.of("ServiceMonitor", "PodMonitor"):
        field = "endpoints" if item.kind == "ServiceMonitor" else "podMetricsEndpoints"
        for index, endpoint in enumerate(item.spec.get(field) or ()):
            if endpoint.get("interval") != "30s":
                yield item.finding(
                    f"spec.{field}[{index}].interval", f"{endpoint.get('interval')}: expected 30s"
                )
            if endpoint.get("path", "/metrics") != "/metrics":
                yield item.finding(f"spec.{field}[{index}].path", f"{endpoint['path']}: expected /metrics")


def rules(overlay: Overlay) -> Iterator[Finding]:
    """Alerts are PromQL, and say how bad it is and what to do."""
    for item in overlay.of("PrometheusRule"):
        for place, group in enumerate(item.spec.get("groups") or ()):
            for index, rule in enumerate(group.get("rules") or ()):
                path = f"spec.groups[{place}].rules[{index}]"
                error = _promql(str(rule.get("expr")))
                if error:
                    yield item.finding(f"{path}.expr", error)
                if "alert" in rule and at(rule, "labels.severity") not in ("critical", "warning", "info"):
                    yield item.finding(f"{path}.labels.severity", "expected critical, warning or info")
                if "alert" in rule and not at(rule, "annotations.summary"):
                    yield item.finding(f"{path}.annotations.summary", "missing")


def dashboards(overlay: Overlay) -> Iterator[Finding]:
    """Grafana's dashboards are JSON with panels whose queries are PromQL."""
    for item in overlay.of("ConfigMap"):
        if "grafana_dashboard" not in item.labels:
            continue
        for name, text in (item.data.get("data") or {}).items():
            try:
                board = json.loads(text)
            except ValueError as error:
                yield item.finding(f"data.{name}", f"not JSON: {error}")
                continue
            for index, panel in enumerate(board.get("panels") or ()):
                for target in panel.get("targets") or ():
                    error = _promql(str(target.get("expr", "")).replace("$__rate_interval", "5m"))
                    if error:
                        yield item.finding(f"data.{name} panels[{index}]", error)
            if not board.get("panels") or not board.get("uid"):
                yield item.finding(f"data.{name}", "expected uid and panels")


@cache
def _promql(text: str) -> str:
    try:
        promql_parser.parse(text)
    except ValueError as error:
        return f"{text!r} is no PromQL: {error}"
    return ""


def old_names(overlay: Overlay) -> Iterator[Finding]:
    """The old services' names and ports lead to Serve."""
    rows = overlay.tables["sizes"]["stateless"].values()
    wanted = {name: port for row in rows for name, port in (row.get("legacy") or {}).items()}
    by_name = {service.name: service for service in services(overlay)}
    for name, port in wanted.items():
        service = by_name.get(name)
        if service is None:
            yield Finding(f"Service/{name}", "metadata.name", "the old service's name is missing")
            continue
        if port not in {entry["port"] for entry in service.spec.get("ports") or ()}:
            yield service.finding("spec.ports", f"expected port {port}")
        if service.spec.get("type", "ClusterIP") != "ClusterIP":
            yield service.finding("spec.type", "expected ClusterIP")
        pods = selected(overlay, {"matchLabels": service.spec.get("selector")}, service.namespace)
        if not any(template.ray for template in pods):
            yield service.finding("spec.selector", "does not lead to Ray")
        for index, entry in enumerate(service.spec.get("ports") or ()):
            if entry["port"] == port and {each.ports.get(entry.get("targetPort")) for each in pods} != {
                HTTP_PORT
            }:
                yield service.finding(
                    f"spec.ports[{index}].targetPort", f"does not lead to Serve's port {HTTP_PORT}"
                )


CHECKS = (ray_version, probes, jobs, settings, collectors, monitors, rules, dashboards, old_names)

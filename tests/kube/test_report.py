"""What the checks find where a recommendation of the report is missing, and what the documentation says of it."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass

import pytest

from tests.kube.conftest import KUBERAY, OVERLAYS, ROOT, built
from tests.kube.test_negative import GONE, changed
from tests.support.kube.checks import (
    flows,
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
from tests.support.kube.objects import Check, Overlay

_OVERLAYS = KUBERAY / "overlays"
_CLUSTER = "spec.rayClusterConfig"
_WORKERS = f"{_CLUSTER}.workerGroupSpecs[0].template.spec"
_ANTI = "spec.template.spec.affinity.podAntiAffinity"
_ANTI_ZONE = f"{_ANTI}.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.topologyKey"
_STRANGER = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "default"}}}
_ADDRESS = {"ipBlock": {"cidr": "203.0.113.0/24"}}
_PORT = {"protocol": "UDP", "port": 514}


@dataclass(frozen=True)
class Fault:
    """One field of an object changed, or the object taken away; ``field`` is the one to be told, if it is another."""

    check: Check
    overlay: str
    object: str
    path: str = ""
    new: object = GONE
    field: str = ""

    @property
    def named(self) -> str:
        """The pattern of the field that the check has to name."""
        text = self.field or self.path.replace("'", "") or "metadata.name"
        return re.escape(text).replace(r"\*", ".*")

    def __str__(self) -> str:
        return f"{self.check.__name__} {self.object} {self.path[-30:]}"


FAULTS: list[Fault] = [
    Fault(report.asked, "aws", "CronJob/clickhouse-restore-check"),
    Fault(report.asked, "aws", "CronJob/backup-retention"),
    Fault(report.asked, "aws", "PrometheusRule/airis-platform", "spec.groups", []),
    Fault(report.asked, "aws", "ConfigMap/airis-dashboards", field="metadata.labels"),
    Fault(report.asked, "production", "Certificate/kafka"),
    Fault(report.storage_classes, "aws", "StorageClass/fast-ssd", "parameters.iops", "3000"),
    Fault(report.storage_classes, "aws", "StorageClass/fast-ssd", "parameters.throughput", GONE),
    Fault(report.storage_classes, "aws", "StorageClass/standard-ssd", "parameters.type", "gp2"),
    Fault(report.storage_classes, "aws", "StorageClass/fast-ssd", "provisioner", "kubernetes.io/aws-ebs"),
    Fault(report.storage_classes, "aws", "StorageClass/standard-ssd"),
    Fault(report.stateful_sets, "aws", "StatefulSet/kafka", "spec.updateStrategy.type", "OnDelete"),
    Fault(
        report.stateful_sets, "aws", "StatefulSet/kafka", _ANTI_ZONE, "kubernetes.io/hostname", field=_ANTI
    ),
    Fault(report.stateful_sets, "aws", "StatefulSet/kafka", _ANTI, GONE),
    Fault(
        report.members,
        "aws",
        "ConfigMap/kafka-settings",
        "data.KAFKA_VOTERS",
        "1@kafka-controller-0.kafka-controller-headless:9093",
    ),
    Fault(
        report.members,
        "aws",
        "ConfigMap/keeper-config",
        "data.'keeper.yaml'",
        lambda text: text.replace("keeper-2.", "keeper-7."),
        field="data.keeper.yaml",
    ),
    Fault(report.copies, "aws", "ConfigMap/kafka-settings", "data.KAFKA_MIN_ISR", "1"),
    Fault(report.copies, "aws", "ConfigMap/airis-settings", "data.AIRIS_KAFKA_REPLICATION", "1"),
    Fault(
        report.lines,
        "aws",
        "ConfigMap/redis-config",
        "data.'cache.conf'",
        lambda text: text.replace("appendonly yes", "appendonly no"),
        field="data.cache.conf",
    ),
    Fault(report.backups, "aws", "CronJob/clickhouse-backup", "spec.schedule", "0 3 * * *"),
    Fault(report.backups, "aws", "CronJob/clickhouse-backup", "spec.suspend", True),
    Fault(report.backups, "dev", "CronJob/clickhouse-backup"),
    Fault(report.backups, "aws", "CronJob/clickhouse-restore-check", "spec.schedule", "0 8 1 * *"),
    Fault(report.backups, "aws", "ConfigMap/backup-s3", "data.BACKUP_KEEP_DAYS", GONE),
    Fault(report.chaos, "chaos", "Schedule/dns-workers", field="spec.type"),
    Fault(
        ray.settings_of_ray,
        "aws",
        "RayService/airis",
        f"{_CLUSTER}.authOptions",
        GONE,
        field=f"{_CLUSTER}.authOptions.mode",
    ),
    Fault(
        ray.settings_of_ray,
        "aws",
        "RayService/airis",
        f"{_CLUSTER}.gcsFaultToleranceOptions",
        GONE,
        field=f"{_CLUSTER}.gcsFaultToleranceOptions.redisAddress",
    ),
    Fault(ray.settings_of_ray, "aws", "RayService/airis", f"{_CLUSTER}.autoscalerOptions.version", "v1"),
    Fault(ray.settings_of_ray, "aws", "RayService/airis", "spec.upgradeStrategy.type", "None"),
    Fault(
        ray.settings_of_ray,
        "aws",
        "ConfigMap/ray-jobs",
        "data.'rollups.yaml'",
        lambda text: text.replace("shutdownAfterJobFinishes: true", ""),
        field="spec.shutdownAfterJobFinishes",
    ),
    Fault(ray.worker_groups, "aws", "RayService/airis", f"{_WORKERS}.topologySpreadConstraints", GONE),
    Fault(
        ray.worker_groups,
        "aws",
        "RayService/airis",
        f"{_WORKERS}.containers[0].lifecycle",
        GONE,
        field=f"{_WORKERS}.containers[0].lifecycle.preStop",
    ),
    Fault(ray.worker_groups, "aws", "RayService/airis", f"{_CLUSTER}.workerGroupSpecs", []),
    Fault(mesh.strict, "istio", "PeerAuthentication/strict", "spec.mtls.mode", "PERMISSIVE"),
    Fault(mesh.strict, "istio", "AuthorizationPolicy/deny", field="spec"),
    Fault(mesh.routes, "istio", "DestinationRule/serve", "spec.trafficPolicy.outlierDetection", GONE),
    Fault(
        mesh.routes,
        "istio",
        "VirtualService/airis",
        "spec.http[0].headers",
        GONE,
        field="spec.http[0].headers.request.set.application",
    ),
    Fault(mesh.routes, "istio", "VirtualService/airis", "spec.http[1].retries", GONE),
    Fault(
        mesh.authorized,
        "istio",
        "AuthorizationPolicy/clickhouse",
        "spec.rules[0].from",
        GONE,
        field="spec.rules",
    ),
    Fault(mesh.traced, "istio", "Telemetry/tracing", "metadata.namespace", "airis"),
    Fault(mesh.traced, "istio", "Telemetry/tracing", "spec.tracing[0].providers", GONE),
    Fault(mesh.authorized, "istio", "AuthorizationPolicy/clickhouse", "spec.rules", []),
    Fault(flows.drawn, "aws", "NetworkPolicy/clickhouse", "spec.ingress[0].from[0]", _STRANGER),
    Fault(flows.drawn, "aws", "NetworkPolicy/clickhouse", "spec.ingress[0].from[0]", _ADDRESS),
    Fault(
        flows.drawn,
        "aws",
        "NetworkPolicy/clickhouse",
        "spec.ingress[0].ports[0]",
        _PORT,
        field="spec.ingress",
    ),
    Fault(flows.drawn, "aws", "NetworkPolicy/clickhouse", "spec.ingress[0].ports", [], field="spec.ingress"),
    Fault(
        flows.drawn,
        "aws",
        "NetworkPolicy/clickhouse",
        "spec.egress[0].to",
        [{"podSelector": {}}],
        field="spec.egress",
    ),
    Fault(flows.drawn, "aws", "DaemonSet/collector", field="parts.collector"),
    Fault(ports.scraped, "aws", "ServiceMonitor/clickhouse", field="spec"),
    Fault(ports.service_port_names, "aws", "Service/clickhouse", "spec.ports[0].name", GONE),
    Fault(running.monitors, "aws", "ServiceMonitor/keeper", "spec.endpoints[0].path", "/stats"),
    Fault(running.old_names, "aws", "Service/ui", "spec.ports[0].targetPort", "metrics"),
    Fault(references.configuration, "dev", "Job/make-secrets", field="spec.*secretKeyRef.name"),
    Fault(
        references.configuration,
        "production",
        "ExternalSecret/ray-auth",
        field="spec.*authOptions.secretName",
    ),
    Fault(references.names, "aws", "StatefulSet/kafka", "spec.template.spec.priorityClassName", GONE),
    Fault(
        security.granted, "aws", "Role/job-starter", "rules[0].verbs", ["get"], field="ConfigMap/ray-jobs*"
    ),
    Fault(
        security.granted, "dev", "Role/secrets", "rules[0].verbs", ["get"], field="ConfigMap/make-secrets*"
    ),
    Fault(
        security.granted,
        "aws",
        "Role/collector-leader",
        "rules[0].verbs",
        ["get"],
        field="ConfigMap/collector-config*",
    ),
    Fault(selectors.scale_targets, "aws", "HorizontalPodAutoscaler/otlp-gateway", field="spec.replicas"),
    Fault(
        selectors.scale_targets,
        "aws",
        "HorizontalPodAutoscaler/otlp-gateway",
        "spec.maxReplicas",
        1,
        field="spec",
    ),
    Fault(
        selectors.experiments,
        "chaos",
        "Schedule/kill-redis",
        "spec.podChaos.selector.labelSelectors",
        {"a": "b"},
        field="spec.*labelSelectors",
    ),
    Fault(
        running.collectors,
        "aws",
        "ConfigMap/collector-config",
        "data.'collector.yaml'",
        lambda text: text.replace("[memory_limiter, k8sattributes, ", "[memory_limiter, "),
        field="data.collector.yaml service.pipelines.logs.processors",
    ),
    Fault(
        running.collectors,
        "aws",
        "ConfigMap/collector-config",
        "data.'collector.yaml'",
        lambda text: text.replace("receivers: [filelog, ", "receivers: [filelogs, "),
        field="data.collector.yaml service.pipelines.logs.receivers",
    ),
    Fault(sizes.ray, "aws", "RayService/airis", f"{_CLUSTER}.autoscalerOptions.resources.requests.cpu", "9"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_what_is_missing_is_told(fault: Fault) -> None:
    overlay = built(_OVERLAYS / fault.overlay)
    kind, _, name = fault.object.partition("/")
    found = set(fault.check(changed(overlay, kind, name, fault.path, fault.new))) - set(fault.check(overlay))
    assert any(re.match(fault.named, one.field) for one in found), found


def test_an_actor_that_reserves_other_than_its_row_is_told() -> None:
    dev = built(_OVERLAYS / "dev")
    tables = deepcopy(dict(dev.tables))
    tables["sizes"]["stateless"]["search"]["requests"]["cpu"] = "400m"
    [found] = sizes.actors(Overlay(dev.name, dev.objects, tables))
    assert (found.object, found.field) == (
        "kuberay/sizes.yaml",
        "stateless.search.serve.ray_actor_options.num_cpus",
    )


def test_the_table_of_experiments_has_the_times_of_the_schedules() -> None:
    text = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8").partition("| time | broken |")[2]
    told = re.findall(r"\d\d:\d\d", " ".join(re.findall(r"^\| ([\d:, ]+) \|", text, re.MULTILINE)))
    schedules = [item.spec["schedule"].split() for item in built(_OVERLAYS / "chaos").of("Schedule")]
    assert sorted(told) == sorted(f"{int(hour):02}:{int(minute):02}" for minute, hour, *_ in schedules)
    assert {tuple(rest) for _, _, *rest in schedules} == {("*", "*", "2")}  # Tuesdays


def test_alerts_and_dashboards_read_metrics_that_the_program_has() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "airis_ray").rglob("*.py"))
    named = {
        name
        for folder in OVERLAYS
        for item in built(folder).of("PrometheusRule", "ConfigMap")
        for name in re.findall(r"\b(?:ray_)?(airis_[a-z_]+)\b(?=\{|\[|\)|,| [<>=+/*-])", str(item.data))
    }
    assert "airis_watch_behind_seconds" in named
    bare = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in named}
    assert {
        name for name in bare if name not in source and f"{name.rpartition('_')[0]}_{{" not in source
    } == set()

"""What the architecture report recommends is in every overlay that is to have it, with the report's own figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from tests.support.kube.objects import Finding, Object, Overlay, walk
from tests.support.kube.pods import at, matches, replicas

_SMALL: Final = "dev"  # one node: its own disk, nothing to keep apart

_ASKED: Final[tuple[tuple[str, str, str], ...]] = (
    # a set of overlays (kuberay/flows.yaml), an object that they have; pods are asked for by checks/flows.py
    ("s3", "CronJob", "backup-retention"),
    ("s3", "CronJob", "clickhouse-restore-check"),
    ("full", "CronJob", "rollups"),
    ("full", "CronJob", "training"),
    ("full", "PrometheusRule", "airis-platform"),
    ("full", "PrometheusRule", "airis-state"),
    ("mesh", "PeerAuthentication", "strict"),
    ("mesh", "Telemetry", "tracing"),
    ("production", "ScaledObject", "otlp-gateway"),
    ("production", "Certificate", "airis"),
    ("production", "Certificate", "kafka"),
)
_ALERTS: Final = {
    "lag": "AirisStreamLag",
    "parts": "ClickHouseParts",
    "replication": "ClickHouseReplicaLate",
    "disk": "AirisDiskFull",
    "breaker": "AirisBreakerOpen",
    "detection behind": "AirisDetectionBehind",
    "Ray": "RayHeadAway",
    "backup": "AirisBackupOld",
}
_PROVISIONER: Final = "ebs.csi.aws.com"
_CLASSES: Final[Mapping[str, Mapping[str, str]]] = {
    "fast-ssd": {"type": "gp3", "iops": "16000", "throughput": "1000"},
    "standard-ssd": {"type": "gp3"},
}
_CHAOS: Final = {"PodChaos", "NetworkChaos", "StressChaos", "IOChaos", "DNSChaos"}
_BACKUP_SETTINGS: Final = (
    "BACKUP_S3_URL",
    "BACKUP_BUCKET",
    "BACKUP_REGION",
    "BACKUP_KEEP_DAYS",
    "BACKUP_KEEP_LEAST",
)
_LINES: Final = (
    # ConfigMap key, line: nothing that was acknowledged is lost; ZooKeeper's port
    ("keeper.yaml", "tcp_port: 2181"),
    ("users.yaml", "insert_quorum: auto"),
    ("keeper.yaml", "force_sync: true"),
    ("broker.properties", "unclean.leader.election.enable=false"),
    ("cache.conf", "appendonly yes"),
    ("gcs.conf", "appendonly yes"),
    ("gcs.conf", "maxmemory-policy noeviction"),
    ("mm2.properties", "here->there.enabled=true"),
)


def _is(overlay: Overlay, name: str) -> bool:
    return overlay.name in ((overlay.tables.get("flows") or {}).get("sets") or {}).get(name, ())


def asked(overlay: Overlay) -> Iterator[Finding]:
    """What the overlay is to have: alerts for every subject, dashboards, jobs, the mesh, certificates."""
    for name, kind, wanted in _ASKED:
        if _is(overlay, name) and overlay.get(kind, wanted) is None:
            yield Finding(f"{kind}/{wanted}", "metadata.name", "not in this overlay")
    if not _is(overlay, "full"):
        return
    alerts = {
        str(value["alert"])
        for item in overlay.of("PrometheusRule")
        for _, value in walk(item.data)
        if "alert" in value
    }
    for subject, alert in _ALERTS.items():
        if alert not in alerts:
            yield Finding(
                "PrometheusRule", "spec.groups", f"nothing tells of {subject}: there is no alert {alert}"
            )
    if not any("grafana_dashboard" in item.labels for item in overlay.of("ConfigMap")):
        yield Finding("ConfigMap", "metadata.labels", "no dashboard: none is labelled grafana_dashboard")


def storage_classes(overlay: Overlay) -> Iterator[Finding]:
    """The report's two classes, by today's CSI driver."""
    for name, parameters in _CLASSES.items():
        item = overlay.get("StorageClass", name)
        if item is None:
            yield Finding(f"StorageClass/{name}", "metadata.name", "not in this overlay")
            continue
        wanted = {"volumeBindingMode": "WaitForFirstConsumer"}
        if overlay.name != _SMALL:
            wanted |= {"provisioner": _PROVISIONER, "reclaimPolicy": "Retain"}
            wanted |= {f"parameters.{key}": value for key, value in parameters.items()}
        for path, value in wanted.items():
            if at(item.data, path) != value:
                yield item.finding(path, f"{at(item.data, path)}: expected {value}")


def stateful_sets(overlay: Overlay) -> Iterator[Finding]:
    """What holds data is updated pod by pod, outlives its set, and does not share a node or, if it can, a zone."""
    wanted = {
        "spec.updateStrategy.type": "RollingUpdate",
        "spec.persistentVolumeClaimRetentionPolicy.whenDeleted": "Retain",
        "spec.persistentVolumeClaimRetentionPolicy.whenScaled": "Retain",
    }
    for item in overlay.of("StatefulSet"):
        for path, value in wanted.items():
            if at(item.data, path) != value:
                yield item.finding(path, f"{at(item.data, path)}: expected {value}")
        if replicas(item) > 1:
            yield from _apart(item)


def _apart(item: Object) -> Iterator[Finding]:
    path = "spec.template.spec.affinity.podAntiAffinity"
    affinity = at(item.data, path) or {}
    labels = at(item.data, "spec.template.metadata.labels") or {}
    when = "DuringSchedulingIgnoredDuringExecution"
    terms = list(affinity.get(f"required{when}") or ())
    terms += [row["podAffinityTerm"] for row in affinity.get(f"preferred{when}") or ()]
    met = {term["topologyKey"] for term in terms if matches(term.get("labelSelector"), labels)}
    for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone"):
        if key not in met:
            yield item.finding(path, f"keeps no two of its pods apart by {key}")


def members(overlay: Overlay) -> Iterator[Finding]:
    """A list of a StatefulSet's pods (voters, Raft members, replicas of a shard) names each of them and no other."""
    sets = [
        (item, re.compile(rf"\b{item.name}-(\d+)\.{item.spec.get('serviceName')}\b"))
        for item in overlay.of("StatefulSet")
    ]
    for item in overlay.objects:
        for path, value in walk(item.data):
            for key, text in value.items():
                if not isinstance(text, str):
                    continue
                for owner, pattern in sets:
                    named, there = (
                        {int(number) for number in pattern.findall(text)},
                        set(range(replicas(owner))),
                    )
                    if named and named != there:
                        where = f"{path}.{key}" if path else key
                        yield item.finding(
                            where, f"names {sorted(named)} of {owner}, which has {sorted(there)}"
                        )


def copies(overlay: Overlay) -> Iterator[Finding]:
    """A record of Kafka is on as many brokers as there are (three at most), and acknowledged by most of them."""
    brokers = overlay.get("StatefulSet", "kafka")
    count = min(3, replicas(brokers)) if brokers else 0
    wanted = {"KAFKA_REPLICATION": count, "AIRIS_KAFKA_REPLICATION": count, "KAFKA_MIN_ISR": count // 2 + 1}
    for item in overlay.of("ConfigMap") if count else ():
        for name, number in wanted.items():
            told = at(item.data, f"data.{name}")
            if told is not None and told != str(number):
                yield item.finding(
                    f"data.{name}", f"{told}: expected {number} of {replicas(brokers)} brokers"
                )


def lines(overlay: Overlay) -> Iterator[Finding]:
    """The lines of configuration that the report's columns `loss` and `port` rest on."""
    for item in overlay.of("ConfigMap"):
        for key, line in _LINES:
            text = (item.data.get("data") or {}).get(key)
            if text is not None and line not in [row.partition(" #")[0].strip() for row in text.splitlines()]:
                yield item.finding(f"data.{key}", f"expected the line {line!r}")


def backups(overlay: Overlay) -> Iterator[Finding]:
    """The whole database at 02:00 every day; with S3, kept for a time and brought back once a week."""
    daily = overlay.get("CronJob", "clickhouse-backup")
    if daily is None:
        yield Finding("CronJob/clickhouse-backup", "metadata.name", "not in this overlay")
        return
    yield from _clock(daily, r"0 2 \* \* \*", "0 2 * * *")
    if not _is(overlay, "s3"):
        return
    for job in (daily, overlay.get("CronJob", "clickhouse-restore")):
        if job is not None and "S3(backup_s3, '%s')" not in [
            value.get("value") for _, value in walk(job.data)
        ]:
            yield job.finding(
                "spec.jobTemplate.spec.template.spec.containers[0].env", "BACKUP_TO: expected S3"
            )
    for name, pattern, text in (
        ("clickhouse-restore-check", r"\d+ \d+ \* \* [0-7]", "once a week"),
        ("backup-retention", r"\d+ \d+ \* \* \*", "once a day"),
    ):
        job = overlay.get("CronJob", name)
        if job is not None:
            yield from _clock(job, pattern, text)
    where = next((item for item in overlay.of("ConfigMap") if item.name.startswith("backup-s3-")), None)
    for key in _BACKUP_SETTINGS if where else ():
        if at(where.data, f"data.{key}") is None:
            yield where.finding(f"data.{key}", "missing")


def _clock(item: Object, pattern: str, text: str) -> Iterator[Finding]:
    if not re.fullmatch(pattern, str(item.spec.get("schedule"))):
        yield item.finding("spec.schedule", f"{item.spec.get('schedule')!r}: expected {text}")
    if item.spec.get("timeZone") != "Etc/UTC":
        yield item.finding("spec.timeZone", f"{item.spec.get('timeZone')}: expected Etc/UTC")
    if item.spec.get("suspend"):
        yield item.finding("spec.suspend", "it never runs")


def chaos(overlay: Overlay) -> Iterator[Finding]:
    """Something of every kind is broken in overlay `chaos`: kill, partition, stress, IO, DNS."""
    if overlay.name != "chaos":
        return
    schedules = overlay.of("Schedule")
    for kind in sorted(_CHAOS - {str(item.spec.get("type")) for item in schedules}):
        yield Finding("Schedule", "spec.type", f"no experiment is {kind}")
    if "partition" not in [at(item.spec, "networkChaos.action") for item in schedules]:
        yield Finding("Schedule", "spec.networkChaos.action", "no experiment is a partition")


CHECKS = (asked, storage_classes, stateful_sets, members, copies, lines, backups, chaos)

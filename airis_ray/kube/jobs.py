"""`airis kube backup | restore`: Jobs made from the overlay's CronJobs, as `kubectl create job --from` makes them."""

from __future__ import annotations

import copy
import re
from datetime import UTC, datetime
from typing import Final

from airis_ray.errors import InvalidInput, NotFound
from airis_ray.kube.cluster import Cluster
from airis_ray.kube.manifests import Manifest

BACKUP: Final = "clickhouse-backup"
RESTORE: Final = "clickhouse-restore"
NAME_VARIABLE: Final = "BACKUP_NAME"
"""The variable of the job's container that names the backup; empty means the date and time when it is made."""


def job_from(cron_job: Manifest, now: datetime, variables: dict[str, str] | None = None) -> Manifest:
    """A Job with a CronJob's template, owned by it. ``variables`` replace those of its containers.

    Raises InvalidInput where no container has such a variable: the value would be lost in silence.
    """
    template = copy.deepcopy(cron_job["spec"]["jobTemplate"])
    containers = template["spec"]["template"]["spec"]["containers"]
    for name, value in (variables or {}).items():
        entries = [
            entry for container in containers for entry in container.get("env") or () if entry["name"] == name
        ]
        if not entries:
            raise InvalidInput(f"CronJob/{cron_job['metadata']['name']} has no variable {name}")
        for entry in entries:
            entry.pop("valueFrom", None)
            entry["value"] = value
    metadata = template.get("metadata") or {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{cron_job['metadata']['name'][:40]}-{now.astimezone(UTC):%Y%m%d-%H%M%S}",
            "labels": {**(cron_job["metadata"].get("labels") or {}), **(metadata.get("labels") or {})},
            "annotations": {
                **(metadata.get("annotations") or {}),
                "cronjob.kubernetes.io/instantiate": "manual",
            },
            "ownerReferences": [
                {
                    "apiVersion": "batch/v1",
                    "kind": "CronJob",
                    "name": cron_job["metadata"]["name"],
                    "uid": cron_job["metadata"]["uid"],
                    "controller": True,
                }
            ],
        },
        "spec": template["spec"],
    }


def start(cluster: Cluster, name: str, variables: dict[str, str] | None, *, dry_run: bool) -> Manifest:
    """Start a CronJob's job now. Raises NotFound where the overlay has none of that name."""
    try:
        cron_job = cluster.get("batch/v1", "CronJob", name)
    except NotFound as error:
        raise NotFound(
            f"there is no CronJob {name!r} in the namespace {cluster.namespace!r}: "
            "airis kube apply kuberay/overlays/<overlay>"
        ) from error
    return cluster.create(job_from(cron_job, datetime.now(UTC), variables), dry_run=dry_run)


def backup_name(text: str) -> str:
    """A backup's name as the restore takes it. Raises InvalidInput: the name becomes part of an SQL statement."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}", text) or ".." in text:
        raise InvalidInput(f"--backup {text!r}: expected letters, digits, . _ - and /, such as 2026-11-23")
    return text

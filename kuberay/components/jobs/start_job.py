"""Creates a RayJob from a file: `start_job.py rollups.yaml`.

Its pods take the image of this one, so that the file names none that could grow old; $ENTRYPOINT replaces the file's.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config

_SECONDS = 30


def prepared(job: dict[str, Any], image: str, entrypoint: str, now: datetime) -> dict[str, Any]:
    """The RayJob with a name of its own, the image and, where one is given, the entry point."""
    metadata = {**job["metadata"], "name": f"{job['metadata']['name']}-{now.astimezone(UTC):%m%d-%H%M%S}"}
    spec = {**job["spec"], **({"entrypoint": entrypoint} if entrypoint else {})}
    if not spec.get("entrypoint"):
        raise SystemExit("nothing to run: set ENTRYPOINT (ConfigMap training)")
    cluster = spec["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster.get("workerGroupSpecs", ())):
        for container in group["template"]["spec"]["containers"]:
            container["image"] = image
    return {**job, "metadata": metadata, "spec": spec}


def main() -> int:
    """Read the file named, create the job."""
    config.load_incluster_config()
    space = os.environ["POD_NAMESPACE"]
    pod = client.CoreV1Api().read_namespaced_pod(os.environ["POD_NAME"], space, _request_timeout=_SECONDS)
    job = yaml.safe_load(Path(__file__).with_name(sys.argv[1]).read_text(encoding="utf-8"))
    body = prepared(
        job, pod.spec.containers[0].image, os.environ.get("ENTRYPOINT", "").strip(), datetime.now(UTC)
    )
    client.CustomObjectsApi().create_namespaced_custom_object(
        "ray.io", "v1", space, "rayjobs", body, _request_timeout=_SECONDS
    )
    print(f"created RayJob {body['metadata']['name']}")  # noqa: T201 - the job's line
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Writes the RayService's serveConfigV2 from serve_config.yaml and kuberay/sizes.yaml; `--check` only compares.

The cluster runs the very applications of one machine. What differs: Serve listens on every address (the pod's), and
each deployment takes the replicas, CPUs, memory and node label of the sizing table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from scripts.written import write_or_check

ROOT = Path(__file__).resolve().parent.parent
HTTP_PORT = 8000  # KubeRay's own; the Services of the platform keep 3000
Config = dict[str, Any]

_HEADER = """\
# Made by scripts/kube_serve_config.py from serve_config.yaml and kuberay/sizes.yaml: change those, run it again.
"""


class _Text(str):
    """A string that YAML writes as a literal block."""


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    _Text, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Config:
    """``base`` with ``over`` laid on it, key by key, all the way down."""
    result = dict(base)
    for name, value in over.items():
        old = result.get(name)
        result[name] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def cluster_config(local: Mapping[str, Any], sizes: Mapping[str, Any], profile: str) -> Config:
    """The Serve configuration of a cluster. Raises KeyError for an application without a line in the table."""
    own = sizes["profiles"].get(profile) or {}
    parts = merged(sizes["stateless"], own.get("stateless") or {})
    by_deployment = {
        part["deployment"]: part.get("serve") or {} for part in parts.values() if "deployment" in part
    }
    applications = [
        {
            **application,
            "deployments": [
                merged(deployment, by_deployment[deployment["name"]])
                for deployment in application["deployments"]
            ],
        }
        for application in local["applications"]
    ]
    serve = merged({"http": HTTP_PORT, "grpc": local["grpc_options"]["port"]}, sizes.get("serve") or {})
    return {
        **local,
        "http_options": {**local["http_options"], "host": "0.0.0.0", "port": serve["http"]},
        "grpc_options": {**local["grpc_options"], "port": serve["grpc"]},
        "applications": applications,
    }


def patch(config: Config) -> str:
    """The kustomize patch that puts a configuration into the RayService."""
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=110)
    document = {
        "apiVersion": "ray.io/v1",
        "kind": "RayService",
        "metadata": {"name": "airis"},
        "spec": {"serveConfigV2": _Text(text)},
    }
    return _HEADER + yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def files(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """(file, what it must say) of every profile with a Serve configuration of its own."""
    local = yaml.safe_load((root / "serve_config.yaml").read_text(encoding="utf-8"))
    sizes = yaml.safe_load((root / "kuberay" / "sizes.yaml").read_text(encoding="utf-8"))
    for name, profile in sizes["profiles"].items():
        if "serve_config" in profile:
            yield root / "kuberay" / profile["serve_config"], patch(cluster_config(local, sizes, name))


def main() -> int:
    """Exit status 1 where ``--check`` finds a file that is not what serve_config.yaml with kuberay/sizes.yaml says."""
    return write_or_check(files(), ROOT, "serve_config.yaml with kuberay/sizes.yaml", __doc__)


if __name__ == "__main__":
    sys.exit(main())

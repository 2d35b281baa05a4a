"""What the programs of scripts/kube_api.py are started with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

_ZONES = ("a", "b", "c")

OPERATOR = (
    "-enable-leader-election=false",
    "-metrics-addr=0",
    "-health-probe-bind-address=0",
    "-feature-gates=RayServiceIncrementalUpgrade=false",  # it wants the Gateway API's definitions
)
"""The KubeRay operator, beside its kubeconfig."""


def etcd(data: Path, client: str, peer: str) -> list[str]:
    """etcd of one node that keeps nothing over a crash: nothing here outlives a test."""
    return [
        f"--data-dir={data / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=error",
    ]


def api(data: Path, etcd: str, port: int) -> list[str]:
    """The API server: RBAC, the default admission, tokens from a file."""
    return [
        f"--etcd-servers={etcd}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",  # a loopback address is no endpoint
        f"--cert-dir={data}",
        f"--token-auth-file={data / 'tokens.csv'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={data / 'accounts.key'}",
        f"--service-account-signing-key-file={data / 'accounts.key'}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=RBAC",
        "--kubelet-preferred-address-types=InternalIP",
    ]


def controllers(data: Path) -> list[str]:
    """Every controller of Kubernetes, alone."""
    return [
        f"--service-account-private-key-file={data / 'accounts.key'}",
        f"--root-ca-file={data / 'apiserver.crt'}",
        "--leader-elect=false",
        "--secure-port=0",
    ]


def kwok(data: Path, port: int, stages: str) -> list[str]:
    """KWOK over all nodes; every container's log is one line."""
    logs = {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "ClusterLogs",
        "metadata": {"name": "all"},
        "spec": {"logs": [{"logsFile": str(data / "pod.log"), "follow": False}]},
    }
    (data / "pod.log").write_text(
        "2026-01-01T00:00:00.000000000Z stdout F a line of a pod\n", encoding="utf-8"
    )
    (data / "kwok.yaml").write_text(f"{stages}---\n{yaml.safe_dump(logs)}", encoding="utf-8")
    return [
        "--manage-all-nodes=true",
        "--cidr=10.244.0.0/16",
        "--node-ip=127.0.0.1",
        "--node-name=localhost",  # without a name the second heartbeat empties the addresses
        f"--config={data / 'kwok.yaml'}",
        f"--server-address=127.0.0.1:{port}",
        f"--node-port={port}",
        f"--tls-cert-file={data / 'apiserver.crt'}",
        f"--tls-private-key-file={data / 'apiserver.key'}",
    ]


def node(number: int) -> dict[str, Any]:
    """A node in one of three zones."""
    name, size = f"node-{number}", {"cpu": "64", "memory": "256Gi", "pods": "110", "ephemeral-storage": "1Ti"}
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "topology.kubernetes.io/region": "here",
        "topology.kubernetes.io/zone": f"here-{_ZONES[number % len(_ZONES)]}",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"capacity": size, "allocatable": size},
    }

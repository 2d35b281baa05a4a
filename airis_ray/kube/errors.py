"""What a cluster can refuse, as errors of our tree.

::

    Unavailable
    ├── NoCluster            there is no kubeconfig, and this is no pod
    ├── ClusterUnreachable   nobody answers at the API server's address
    └── MissingKind          the cluster does not know a kind: an operator is not installed
    Forbidden
    └── MissingRights        the credentials may not do this
    InvalidInput
    ├── Conflict             another writer owns a field
    └── Rejected             the API server refuses an object; names the field
"""

from __future__ import annotations

import json
from typing import Any, Final

from airis_ray.errors import AirisError, Forbidden, InvalidInput, NotFound, Unauthenticated, Unavailable

_INSTALL: Final = {
    "ray.io": "the KubeRay operator",
    "monitoring.coreos.com": "the Prometheus operator",
    "networking.istio.io": "Istio",
    "security.istio.io": "Istio",
    "telemetry.istio.io": "Istio",
    "gateway.networking.k8s.io": "the Gateway API",
    "chaos-mesh.org": "Chaos Mesh",
    "keda.sh": "KEDA",
    "cert-manager.io": "cert-manager",
    "external-secrets.io": "External Secrets",
    "bitnami.com": "Sealed Secrets",
    "snapshot.storage.k8s.io": "the CSI snapshot controller",
}


class NoCluster(Unavailable):
    """There is no kubeconfig, and this is no pod."""


class ClusterUnreachable(Unavailable):
    """Nobody answers at the API server's address."""


class MissingKind(Unavailable):
    """The cluster does not know a kind."""

    def __init__(self, kind: str, api_version: str) -> None:
        what = _INSTALL.get(api_version.rpartition("/")[0], "the operator that brings it")
        super().__init__(
            f"the cluster does not know {kind} ({api_version}): install {what} (kuberay/README.md lists versions)"
        )
        self.kind = kind


class MissingRights(Forbidden):
    """The credentials may not do this."""


class Conflict(InvalidInput):
    """Another writer owns a field."""


class Rejected(InvalidInput):
    """The API server refuses an object."""


def of_answer(status: int, body: bytes, what: str) -> AirisError:
    """The error behind an answer of the API server to the request ``what`` (`patch StatefulSet/a`)."""
    message, causes = _read(body)
    match status:
        case 401:
            return Unauthenticated(f"the cluster does not accept these credentials ({what})")
        case 403:
            return MissingRights(f"missing rights: {message or what}")
        case 404:
            return NotFound(f"{what}: {message or 'not found'}")
        case 409:
            return Conflict(f"{what}: {message}")
        case 400 | 413 | 415 | 422:
            return Rejected(f"{what}: {causes or message}")
        case _:
            return Unavailable(f"{what}: the cluster answered {status}: {message[:300]}")


def _read(body: bytes) -> tuple[str, str]:
    """(message, `field: reason; …`) of a Status object."""
    try:
        status: dict[str, Any] = json.loads(body)
        causes = (status.get("details") or {}).get("causes") or []
    except (ValueError, AttributeError):
        return " ".join(body.decode(errors="replace").split())[:300], ""
    named = [f"{cause['field']}: {cause.get('message', '')}" for cause in causes if cause.get("field")]
    return str(status.get("message", "")), "; ".join(named)

"""What `airis kube` asks the API server for: the rights of the Role that an operator needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Right:
    """Verbs on a resource (plural) of a group; ``commands`` need them."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    commands: tuple[str, ...]


RIGHTS: Final = (
    Right("ray.io", "rayservices", ("get",), ("status", "scale", "upgrade", "restore")),
    Right("ray.io", "rayservices", ("patch",), ("scale", "upgrade", "restore")),
    Right("ray.io", "rayclusters", ("list",), ("restore",)),
    Right("", "pods", ("list",), ("status", "logs", "upgrade", "restore")),
    Right("", "pods/log", ("get",), ("logs",)),
    Right("", "services/proxy", ("get",), ("status",)),
    Right("apps", "statefulsets", ("list",), ("status",)),
    Right("apps", "deployments", ("list",), ("status",)),
    Right("batch", "cronjobs", ("list",), ("status",)),
    Right("batch", "cronjobs", ("get",), ("backup", "restore")),
    Right("batch", "jobs", ("create", "get"), ("backup", "restore")),
)
"""All but ``apply``, which needs ``get``, ``create`` and ``patch`` on every kind of the overlay."""

"""Alerts of other systems, as their webhooks send them, to rows of ``airis_alerts``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from airis_ray.telemetry.alerts.alertmanager import alertmanager
from airis_ray.telemetry.alerts.generic import generic
from airis_ray.telemetry.alerts.table import ALERTS, TABLE, Alert, rows

__all__ = ["ALERTS", "SOURCES", "TABLE", "Alert", "rows"]

SOURCES: Final[dict[str, Callable[[Any], list[Alert]]]] = {
    "alertmanager": alertmanager,
    "grafana": alertmanager,
    "generic": generic,
}
"""Source → what reads its parsed body. Each raises InvalidInput with the JSON pointer of what is wrong."""

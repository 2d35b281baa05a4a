"""Webhooks of Alertmanager (version 4) and of Grafana's alerting, which adds fields to the same form."""

from __future__ import annotations

from typing import Any, Final

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.alerts.table import Alert, service_of, text_of, texts, time_of

_SUMMARY: Final = ("summary", "title", "message")
_EXTRA: Final = {"values": "grafana.values", "valueString": "grafana.value_string"}
_URLS: Final = ("generatorURL", "panelURL", "dashboardURL")


def alertmanager(document: Any) -> list[Alert]:
    """The alerts of one notification; raises InvalidInput with the pointer of what is wrong."""
    if not isinstance(document, dict) or not isinstance(document.get("alerts"), list):
        raise InvalidInput.field("/alerts", "expected a list of alerts, as Alertmanager's webhook sends it")
    return [_alert(item, f"/alerts/{index}", document) for index, item in enumerate(document["alerts"])]


def _alert(item: Any, where: str, group: dict[str, Any]) -> Alert:
    if not isinstance(item, dict):
        raise InvalidInput.field(where, "expected an object")
    labels = texts(item.get("labels"), f"{where}/labels")
    annotations = texts(item.get("annotations"), f"{where}/annotations")
    for name, key in _EXTRA.items():
        if item.get(name):
            annotations[key] = text_of(item[name])
    status = item.get("status", group.get("status"))
    if status not in ("firing", "resolved"):
        raise InvalidInput.field(f"{where}/status", f"expected firing or resolved, got {str(status)[:40]!r}")
    ends_ns = time_of(item.get("endsAt"), f"{where}/endsAt")
    return Alert(
        name=labels.get("alertname") or text_of(group.get("title")) or "alert",
        status=status,
        severity=labels.get("severity", "").lower(),
        service=service_of(labels),
        summary=next((annotations[name] for name in _SUMMARY if annotations.get(name)), ""),
        description=annotations.get("description", ""),
        starts_ns=time_of(item.get("startsAt"), f"{where}/startsAt"),
        ends_ns=ends_ns if status == "resolved" else 0,  # of a firing one: when Alertmanager will give it up
        labels=labels,
        annotations=annotations,
        fingerprint=text_of(item.get("fingerprint")),
        url=next((text_of(item[name]) for name in _URLS if item.get(name)), ""),
        group_key=text_of(group.get("groupKey")),
        receiver=text_of(group.get("receiver")),
    )

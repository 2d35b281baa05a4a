"""Alerts of anything that can send JSON: one object, a list of them, or ``{"alerts": […]}``."""

from __future__ import annotations

from typing import Any, Final, Literal

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.alerts.table import Alert, service_of, text_of, texts, time_of

_NAMES: Final = ("name", "title", "alertname", "alert", "rule", "rule_name", "ruleName", "summary", "subject")
_STATUS: Final = ("status", "state")
_SEVERITY: Final = ("severity", "level", "priority")
_SERVICE: Final = ("service", "service_name", "service.name", "app", "application")
_SUMMARY: Final = ("summary", "subject", "title")
_DESCRIPTION: Final = ("description", "message", "text", "body", "details")
_STARTS: Final = ("starts_at", "startsAt", "started_at", "startedAt", "time", "timestamp", "date")
_ENDS: Final = ("ends_at", "endsAt", "ended_at", "endedAt", "resolved_at", "resolvedAt")
_FINGERPRINT: Final = ("fingerprint", "id", "alert_id", "dedup_key", "incident_key")
_URL: Final = ("url", "link", "generatorURL")
_LABELS: Final = ("labels", "tags")
_KNOWN: Final = frozenset(
    (
        *_NAMES,
        *_STATUS,
        *_SEVERITY,
        *_SERVICE,
        *_SUMMARY,
        *_DESCRIPTION,
        *_STARTS,
        *_ENDS,
        *_FINGERPRINT,
        *_URL,
    )
) | {*_LABELS, "annotations"}

_FIRING: Final = frozenset(
    (
        "firing",
        "fire",
        "active",
        "open",
        "opened",
        "alerting",
        "alert",
        "triggered",
        "trigger",
        "problem",
        "new",
        "down",
    )
)
_RESOLVED: Final = frozenset(
    ("resolved", "resolve", "ok", "closed", "close", "recovered", "recovery", "inactive", "normal", "up")
)


def generic(document: Any) -> list[Alert]:
    """The alerts of a body; a field that is not known becomes an annotation.

    Raises InvalidInput with the pointer of what is wrong.
    """
    where = ""
    if isinstance(document, dict) and isinstance(document.get("alerts"), list):
        document, where = document["alerts"], "/alerts"
    if isinstance(document, dict):
        return [_alert(document, "")]
    if not isinstance(document, list):
        raise InvalidInput("expected an alert or a list of alerts")
    return [_alert(item, f"{where}/{index}") for index, item in enumerate(document)]


def _alert(item: Any, where: str) -> Alert:
    if not isinstance(item, dict):
        raise InvalidInput.field(where, "expected an object")

    def first(names: tuple[str, ...]) -> str:
        return next((text_of(item[name]) for name in names if item.get(name) not in (None, "")), "")

    name = first(_NAMES)
    if not name:
        raise InvalidInput.field(f"{where}/name", f"an alert needs a name; known: {', '.join(_NAMES)}")
    labels = {
        key: text for source in _LABELS for key, text in texts(item.get(source), f"{where}/{source}").items()
    }
    rest = {key: text_of(value) for key, value in item.items() if key not in _KNOWN and value is not None}
    return Alert(
        name=name,
        status=_status(first(_STATUS), f"{where}/status"),
        severity=(first(_SEVERITY) or labels.get("severity", "")).lower(),
        service=first(_SERVICE) or service_of(labels),
        summary=first(_SUMMARY),
        description=first(_DESCRIPTION),
        starts_ns=_time(item, _STARTS, where),
        ends_ns=_time(item, _ENDS, where),
        labels=labels,
        annotations={**texts(item.get("annotations"), f"{where}/annotations"), **rest},
        fingerprint=first(_FINGERPRINT),
        url=first(_URL),
    )


def _status(text: str, where: str) -> Literal["firing", "resolved"]:
    lower = text.strip().lower()
    if not lower or lower in _FIRING:
        return "firing"
    if lower in _RESOLVED:
        return "resolved"
    raise InvalidInput.field(where, f"expected firing or resolved, got {text[:40]!r}")


def _time(item: dict[str, Any], names: tuple[str, ...], where: str) -> int:
    found = next((name for name in names if item.get(name) not in (None, "")), None)
    return 0 if found is None else time_of(item[found], f"{where}/{found}")

"""An alert, and alerts as rows of their table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final, Literal

import pyarrow as pa

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.instants import any_epoch, iso
from airis_ray.telemetry.lines import json_text

TABLE: Final = "airis_alerts"

_NS: Final = pa.timestamp("ns", tz="UTC")
_STR: Final = pa.string()
_MAP: Final = pa.map_(pa.string(), pa.string())

ALERTS: Final = pa.schema(
    [
        pa.field(name, kind, nullable=False)
        for name, kind in {
            "Time": _NS,
            "Tenant": _STR,
            "Source": _STR,
            "Fingerprint": _STR,
            "Status": _STR,
            "Name": _STR,
            "Severity": _STR,
            "ServiceName": _STR,
            "Summary": _STR,
            "Description": _STR,
            "StartsAt": _NS,
            "EndsAt": _NS,
            "Labels": _MAP,
            "Annotations": _MAP,
            "Url": _STR,
            "GroupKey": _STR,
            "Receiver": _STR,
        }.items()
    ]
)

SERVICE_LABELS: Final = ("service.name", "service_name", "service", "app", "application", "job")


@dataclass(frozen=True)
class Alert:
    """One notification of an alert. Times are nanoseconds since 1970, 0 for what is not known (or not over)."""

    name: str
    status: Literal["firing", "resolved"] = "firing"
    severity: str = ""
    service: str = ""
    summary: str = ""
    description: str = ""
    starts_ns: int = 0
    ends_ns: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    url: str = ""
    group_key: str = ""
    receiver: str = ""

    @property
    def identity(self) -> str:
        """The source's fingerprint, or one of name and labels where it gave none."""
        if self.fingerprint:
            return self.fingerprint
        text = "\0".join(
            [self.name, self.service, *(f"{name}\1{self.labels[name]}" for name in sorted(self.labels))]
        )
        return blake2b(text.encode(), digest_size=8).hexdigest()


def rows(alerts: Sequence[Alert], source: str, tenant: str, received_ns: int) -> pa.RecordBatch:
    """The rows of one request; an alert that does not say when it started started when it came."""
    columns: dict[str, list[Any]] = {
        "Time": [received_ns] * len(alerts),
        "Tenant": [tenant] * len(alerts),
        "Source": [source] * len(alerts),
        "Fingerprint": [alert.identity for alert in alerts],
        "Status": [alert.status for alert in alerts],
        "Name": [alert.name for alert in alerts],
        "Severity": [alert.severity for alert in alerts],
        "ServiceName": [alert.service for alert in alerts],
        "Summary": [alert.summary for alert in alerts],
        "Description": [alert.description for alert in alerts],
        "StartsAt": [alert.starts_ns or received_ns for alert in alerts],
        "EndsAt": [alert.ends_ns for alert in alerts],
        "Labels": [list(alert.labels.items()) for alert in alerts],
        "Annotations": [list(alert.annotations.items()) for alert in alerts],
        "Url": [alert.url for alert in alerts],
        "GroupKey": [alert.group_key for alert in alerts],
        "Receiver": [alert.receiver for alert in alerts],
    }
    arrays = [pa.array(columns[column.name], column.type) for column in ALERTS]
    return pa.RecordBatch.from_arrays(arrays, schema=ALERTS)


def texts(value: Any, where: str) -> dict[str, str]:
    """An object of strings; other values as JSON has them, nulls left out. Also a list of ``name:value`` strings."""
    if value is None:
        return {}
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        pairs = (item.partition(":") for item in value)
        return {name: text for name, _, text in pairs}
    if not isinstance(value, dict):
        raise InvalidInput.field(where, "expected an object of strings")
    return {name: text_of(item) for name, item in value.items() if item is not None}


def text_of(value: Any) -> str:
    """A value as a column keeps it."""
    return value if isinstance(value, str) else "" if value is None else json_text(value)


def time_of(value: Any, where: str) -> int:
    """A time in ISO 8601 or since 1970; 0 for none, which Go writes as the year 1."""
    if value in (None, "", 0) or (isinstance(value, str) and value.startswith("0001-01-01")):
        return 0
    found = iso(value) if isinstance(value, str) else None
    found = any_epoch(value) if found is None else found
    if found is None:
        raise InvalidInput.field(where, f"expected a time in ISO 8601 or since 1970, got {str(value)[:40]!r}")
    return found


def service_of(labels: Mapping[str, str]) -> str:
    """The service that an alert is about, by its labels."""
    return next((labels[name] for name in SERVICE_LABELS if labels.get(name)), "")

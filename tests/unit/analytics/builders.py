"""Spans, logs and points by the seconds after one moment, for tests of series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa

from airis_ray.telemetry.tables import SCHEMAS, TENANT_ATTRIBUTE

SECOND: Final = 1_000_000_000
T0: Final = 4_102_446_600 * SECOND
"""2100-01-01T00:30:00Z: on the grid of every roll-up, and never past its retention."""


def batch(table: str, tenant: str, records: Iterable[Mapping[str, Any]]) -> pa.RecordBatch:
    """A batch in the table's schema; what a record does not name is empty. Times are nanoseconds in every table."""
    schema = SCHEMAS[table]
    full = [_complete(record, tenant) for record in records]
    unknown = {name for record in full for name in record} - set(schema.names)
    assert not unknown, f"{table} has no columns {sorted(unknown)}"
    columns = [
        pa.array([_value(record.get(field.name), field.type) for record in full], field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def span(at: float, **columns: Any) -> dict[str, Any]:
    """A span of ``ms`` milliseconds that starts ``at`` seconds after T0; ``error`` makes it fail."""
    row = {"Timestamp": ns(at), "SpanKind": "Server", "SpanName": "GET /", "ServiceName": "cart"}
    row["Duration"] = round(columns.pop("ms", 1) * 1_000_000)
    row["StatusCode"] = "Error" if columns.pop("error", False) else "Unset"
    return row | columns


def log(at: float, **columns: Any) -> dict[str, Any]:
    """A log record ``at`` seconds after T0."""
    row = {"Timestamp": ns(at), "ServiceName": "cart", "SeverityText": "INFO", "SeverityNumber": 9}
    return row | columns


def point(at: float, value: float | None = None, **columns: Any) -> dict[str, Any]:
    """A point of a metric ``at`` seconds after T0; ``start`` is that of its StartTimeUnix."""
    row: dict[str, Any] = {"MetricName": "m", "ServiceName": "cart", "TimeUnix": ns(at)}
    if value is not None:
        row["Value"] = value
    start = columns.pop("start", None)
    row["StartTimeUnix"] = 0 if start is None else ns(start)
    return row | columns


def counter(at: float, value: float, **columns: Any) -> dict[str, Any]:
    """A point of a cumulative monotonic sum."""
    return point(at, value, **{"AggregationTemporality": 2, "IsMonotonic": True, **columns})


def ns(at: float) -> int:
    """Nanoseconds since 1970 of the seconds after T0."""
    return T0 + round(at * SECOND)


def _complete(record: Mapping[str, Any], tenant: str) -> dict[str, Any]:
    return {
        **record,
        "ResourceAttributes": {TENANT_ATTRIBUTE: tenant, **record.get("ResourceAttributes", {})},
    }


def _value(value: Any, kind: pa.DataType) -> Any:
    if pa.types.is_map(kind):
        return list((value or {}).items())
    if pa.types.is_list(kind):
        return [_value(each, kind.value_type) for each in value or ()]
    if pa.types.is_timestamp(kind):
        return (value or 0) // (SECOND if kind.unit == "s" else 1)
    if value is not None:
        return value
    return "" if pa.types.is_string(kind) else False if pa.types.is_boolean(kind) else 0

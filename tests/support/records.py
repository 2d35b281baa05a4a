"""Rows of the telemetry tables for tests: name the columns that matter, the rest has what an empty record has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from airis_ray.telemetry.tables import SCHEMAS, TENANT_ATTRIBUTE

START = 4_102_444_800 * 10**9
"""2100-01-01T00:00:00Z in nanoseconds: a whole hour and day, so that buckets are easy to reason about, and later than
any retention can reach."""


def batch(table: str, tenant: str, rows: Iterable[Mapping[str, Any]]) -> pa.RecordBatch:
    """A batch of the table with one row per mapping.

    Times are integer nanoseconds, in the metrics' tables too (``TimeUnix`` keeps the whole seconds). Attribute maps are
    dicts. The tenant is put into ``ResourceAttributes``, and ``ServiceName`` into ``service.name`` where it is given.
    """
    schema = SCHEMAS[table]
    listed = [_complete(row, tenant) for row in rows]
    unknown = {name for row in listed for name in row} - set(schema.names)
    if unknown:
        raise ValueError(f"{table} has no columns {sorted(unknown)}")
    return pa.RecordBatch.from_arrays(
        [
            pa.array([_value(row.get(field.name), field.type) for row in listed], field.type)
            for field in schema
        ],
        schema=schema,
    )


def log(tenant: str, *rows: Mapping[str, Any]) -> pa.RecordBatch:
    """Rows of otel_logs."""
    return batch("otel_logs", tenant, rows)


def span(tenant: str, *rows: Mapping[str, Any]) -> pa.RecordBatch:
    """Rows of otel_traces."""
    return batch("otel_traces", tenant, rows)


def _complete(row: Mapping[str, Any], tenant: str) -> dict[str, Any]:
    resource = {TENANT_ATTRIBUTE: tenant, **row.get("ResourceAttributes", {})}
    if row.get("ServiceName"):
        resource.setdefault("service.name", row["ServiceName"])
    return {**row, "ResourceAttributes": resource}


def _value(value: Any, kind: pa.DataType) -> Any:
    if pa.types.is_map(kind):
        return list((value or {}).items())
    if pa.types.is_list(kind):
        return [_value(each, kind.value_type) for each in value or ()]
    if pa.types.is_timestamp(kind):
        return (value or 0) // (10**9 if kind.unit == "s" else 1)
    if value is not None:
        return value
    return "" if pa.types.is_string(kind) else False if pa.types.is_boolean(kind) else 0

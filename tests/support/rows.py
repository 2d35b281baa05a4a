"""Rows of the telemetry tables for tests: give the columns that matter, the rest is empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from airis_ray.telemetry.tables import SCHEMAS, TENANT_ATTRIBUTE


def rows(table: str, tenant: str, records: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    """A batch in the table's schema; every row's resource carries the tenant."""
    schema = SCHEMAS[table]
    full = [{**{field.name: _empty(field.type) for field in schema}, **record} for record in records]
    for record in full:
        record["ResourceAttributes"] = [
            (TENANT_ATTRIBUTE, tenant),
            *dict(record["ResourceAttributes"]).items(),
        ]
    columns = [pa.array([_pairs(record[field.name]) for record in full], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _pairs(value: Any) -> Any:
    return list(value.items()) if isinstance(value, Mapping) else value


def _empty(kind: pa.DataType) -> Any:
    if pa.types.is_map(kind) or pa.types.is_list(kind):
        return []
    if pa.types.is_string(kind):
        return ""
    if pa.types.is_timestamp(kind) or pa.types.is_integer(kind):
        return 0
    return False if pa.types.is_boolean(kind) else 0.0

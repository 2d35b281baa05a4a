"""The decoder without a compiled part: protobuf's own parser, one record at a time.

The frames of the request are walked here, and each record is given to the parser on its own, so that a bad
one takes no neighbour with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from airis_ray.telemetry.otlp.points import KINDS
from airis_ray.telemetry.otlp.records import Row, log_row, parse, span_row
from airis_ray.telemetry.otlp.result import (
    MAX_DECODED_BYTES,
    MAX_REASONS,
    RECORDS_OF,
    ROW_BYTES,
    Decoded,
    RecordError,
    Rejected,
    too_large,
    unreadable,
)
from airis_ray.telemetry.otlp.values import attributes
from airis_ray.telemetry.otlp.wire import LEN, VARINT, expect, fields, read_varint, text
from airis_ray.telemetry.tables import SCHEMAS, TABLES_OF, TENANT_ATTRIBUTE, Signal

Slice = tuple[int, int]
_ROW_OF: Final[dict[str, Callable[[bytes, int], Row]]] = {"logs": log_row, "traces": span_row}


def decode(signal: Signal, payload: bytes, tenant: str, received_ns: int) -> Decoded:
    """See :func:`airis_ray.telemetry.otlp.decode`."""
    return _Walk(signal, bytes(payload), tenant, received_ns).run()


class _Walk:
    """One payload on its way into the columns of its tables."""

    def __init__(self, signal: Signal, payload: bytes, tenant: str, received_ns: int) -> None:
        self._signal = signal
        self._data = payload
        self._tenant = tenant
        self._received_ns = received_ns
        self._columns: dict[str, dict[str, list[Any]]] = {
            table: {name: [] for name in SCHEMAS[table].names} for table in TABLES_OF[signal]
        }
        self._accepted = 0
        self._rejected = 0
        self._reasons: list[Rejected] = []
        self._room = MAX_DECODED_BYTES

    def run(self) -> Decoded:
        names = RECORDS_OF[self._signal]
        for i, (start, end) in enumerate(self._groups()):
            self._resource(f"/{names[0]}/{i}", start, end)
        tables = {
            table: pa.record_batch(
                [pa.array(columns[field.name], field.type) for field in SCHEMAS[table]], schema=SCHEMAS[table]
            )
            for table, columns in self._columns.items()
            if len(next(iter(columns.values())))
        }
        return Decoded(tables, self._accepted, self._rejected, tuple(self._reasons))

    def _groups(self) -> list[Slice]:
        """Where the resources of the request are."""
        groups = []
        position = 0
        try:
            for number, kind, start, end in fields(self._data, 0, len(self._data)):
                if number == 1:
                    expect(RECORDS_OF[self._signal][0], kind, LEN)
                    groups.append((start, end))
                position = end
        except RecordError as error:
            raise unreadable(self._signal, str(error), position) from None
        return groups

    def _reject(self, pointer: str, reason: str, count: int = 1) -> None:
        self._rejected += count
        if len(self._reasons) < MAX_REASONS:
            self._reasons.append(Rejected(pointer, reason))

    def _resource(self, pointer: str, start: int, end: int) -> None:
        """A resource with its scopes."""
        _, scopes_name, _ = RECORDS_OF[self._signal]
        try:
            resource, scopes, url = self._level(start, end, "resource", scopes_name)
        except RecordError as error:
            return self._reject(pointer, str(error))
        part = "resource"
        try:
            own = self._attributes(resource, 1)
            part = "schemaUrl"
            schema_url = text("schema_url", url)
        except RecordError as error:
            return self._reject(f"{pointer}/{part}", str(error), sum(self._count(*scope) for scope in scopes))
        service = next((value for key, value in own if key == "service.name"), "")
        row = {
            "ResourceAttributes": [pair for pair in own if pair[0] != TENANT_ATTRIBUTE]
            + [(TENANT_ATTRIBUTE, self._tenant)],
            "ResourceSchemaUrl": schema_url,
            "ServiceName": service,
        }
        for j, scope in enumerate(scopes):
            self._scope(f"{pointer}/{scopes_name}/{j}", scope, row)
        return None

    def _scope(self, pointer: str, scope: Slice, resource: Row) -> None:
        """A scope with its records."""
        _, _, records_name = RECORDS_OF[self._signal]
        try:
            parts, records, url = self._level(*scope, "scope", records_name)
        except RecordError as error:
            return self._reject(pointer, str(error))
        part = "scope"
        try:
            row = {**resource, **self._scope_columns(parts)}
            part = "schemaUrl"
            row["ScopeSchemaUrl"] = text("schema_url", url)
        except RecordError as error:
            return self._reject(f"{pointer}/{part}", str(error), self._count(*scope))
        cost = ROW_BYTES + _size(row)
        for k, (start, end) in enumerate(records):
            where = f"{pointer}/{records_name}/{k}"
            if self._signal == "metrics":
                self._metric(where, start, end, row, cost)
            else:
                self._record(where, TABLES_OF[self._signal][0], self._data[start:end], row, cost)
        return None

    def _record(self, pointer: str, table: str, data: bytes, row: Row, cost: int) -> None:
        make = _ROW_OF.get(self._signal) or next(kind.row for kind in KINDS.values() if kind.table == table)
        try:
            own = make(data, self._received_ns)
        except RecordError as error:
            return self._reject(pointer, str(error))
        self._room -= cost
        if self._room < 0:
            raise too_large()
        self._accepted += 1
        for name, column in self._columns[table].items():
            column.append(own[name] if name in own else row[name])
        return None

    def _metric(self, pointer: str, start: int, end: int, row: Row, cost: int) -> None:
        """A metric with its points; those of the last kind set count, as with every oneof."""
        try:
            header, number, parts = self._metric_parts(start, end)
        except RecordError as error:
            return self._reject(pointer, str(error))
        if not number:
            return None
        kind = KINDS[number]
        try:
            points, extra = self._points(number, parts)
        except RecordError as error:
            return self._reject(f"{pointer}/{kind.name}", str(error))
        try:
            own = {name: text(field, header[field]) for name, field in _METRIC_TEXT.items()}
        except RecordError as error:
            return self._reject(pointer, str(error), len(points))
        row = {**row, **own, **extra}
        cost += sum(len(value) for value in header.values())
        for n, (a, b) in enumerate(points):
            self._record(f"{pointer}/{kind.name}/dataPoints/{n}", kind.table, self._data[a:b], row, cost)
        return None

    def _metric_parts(self, start: int, end: int) -> tuple[dict[str, bytes], int, list[Slice]]:
        """Texts by field name, the field number of the kind, and the messages that make it up."""
        header = {"name": b"", "description": b"", "unit": b""}
        number = 0
        parts: list[Slice] = []
        for field, kind, a, b in fields(self._data, start, end):
            if name := _METRIC_FIELD.get(field):
                expect(name, kind, LEN)
            if field in KINDS:
                if field != number:
                    number, parts = field, []
                parts.append((a, b))
            elif name in header:
                header[name] = self._data[a:b]
        return header, number, parts

    def _points(self, number: int, parts: list[Slice]) -> tuple[list[Slice], Row]:
        """The points of a metric, and what is told of all of them."""
        points = []
        extra: Row = {"AggregationTemporality": 0, "IsMonotonic": False}
        for start, end in parts:
            for field, kind, a, b in fields(self._data, start, end):
                if field == 1:
                    expect("data_points", kind, LEN)
                    points.append((a, b))
                elif field == 2 and number in _TEMPORAL:
                    expect("aggregation_temporality", kind, VARINT)
                    value = read_varint(self._data, a, b)[0] & 0xFFFFFFFF
                    extra["AggregationTemporality"] = value - (value >> 31 << 32)
                elif field == 3 and number == _SUM:
                    expect("is_monotonic", kind, VARINT)
                    extra["IsMonotonic"] = read_varint(self._data, a, b)[0] != 0
        return points, extra

    def _level(self, start: int, end: int, owner: str, items: str) -> tuple[list[Slice], list[Slice], bytes]:
        """A resource or scope level: the parts of its owner, its items, and its schema address."""
        names = {1: owner, 2: items, 3: "schema_url"}
        found: dict[int, list[Slice]] = {1: [], 2: [], 3: []}
        for number, kind, a, b in fields(self._data, start, end):
            if number in names:
                expect(names[number], kind, LEN)
                found[number].append((a, b))
        url = self._data[slice(*found[3][-1])] if found[3] else b""
        return found[1], found[2], url

    def _attributes(self, parts: list[Slice], field: int) -> list[tuple[str, str]]:
        """The attributes of a resource or scope."""
        pairs = []
        for start, end in parts:
            for number, kind, a, b in fields(self._data, start, end):
                if number == field:
                    expect("attributes", kind, LEN)
                    pairs.append(parse(KeyValue, self._data[a:b]))
        return attributes(pairs)

    def _scope_columns(self, parts: list[Slice]) -> Row:
        row: Row = {"ScopeName": "", "ScopeVersion": "", "ScopeDroppedAttrCount": 0}
        for start, end in parts:
            for number, kind, a, b in fields(self._data, start, end):
                if number in (1, 2):
                    field, column = ("name", "ScopeName") if number == 1 else ("version", "ScopeVersion")
                    expect(field, kind, LEN)
                    row[column] = text(field, self._data[a:b])
                elif number == 4:
                    expect("dropped_attributes_count", kind, VARINT)
                    row["ScopeDroppedAttrCount"] = read_varint(self._data, a, b)[0] & 0xFFFFFFFF
        row["ScopeAttributes"] = self._attributes(parts, 3)
        return row

    def _count(self, start: int, end: int) -> int:
        """Records (points, for metrics) of a scope that is rejected as a whole; 1 for what cannot be read."""
        try:
            records = self._level(start, end, "scope", RECORDS_OF[self._signal][2])[1]
        except RecordError:
            return 1
        return (
            sum(self._points_in(*record) for record in records) if self._signal == "metrics" else len(records)
        )

    def _points_in(self, start: int, end: int) -> int:
        try:
            return len(self._points(*self._metric_parts(start, end)[1:])[0])
        except RecordError:
            return 1


_SUM: Final = 7
_TEMPORAL: Final = (_SUM, 9, 10)
_METRIC_TEXT: Final = {"MetricName": "name", "MetricDescription": "description", "MetricUnit": "unit"}
_METRIC_FIELD: Final = {1: "name", 2: "description", 3: "unit"} | {
    key: kind.name for key, kind in KINDS.items()
}


def _size(row: Row) -> int:
    """Bytes of the columns that every row of a scope repeats; a map entry is counted 8 more."""
    return sum(_bytes(value) for value in row.values() if not isinstance(value, int))


def _bytes(value: str | list[tuple[str, str]]) -> int:
    if isinstance(value, str):
        return len(value.encode())
    return sum(len(key.encode()) + len(item.encode()) + 8 for key, item in value)

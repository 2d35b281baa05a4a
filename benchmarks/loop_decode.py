"""What decoding looks like without a decoder: protobuf's message objects and a Python loop over the records.

Written to be fast for what it is: a list a column, maps as flat lists of keys and values, no object a record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain, repeat
from typing import Any, Final

import pyarrow as pa
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from airis_ray.telemetry.tables import LOGS, TENANT_ATTRIBUTE, TRACES, Signal

_KINDS: Final = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
_CODES: Final = ("Unset", "Ok", "Error")
_MAP: Final = pa.map_(pa.string(), pa.string())


class _Maps:
    """A map column."""

    def __init__(self) -> None:
        self.offsets = [0]
        self.keys: list[str] = []
        self.values: list[str] = []

    def add(self, attributes: Iterable[Any]) -> None:
        for pair in attributes:
            self.keys.append(pair.key)
            self.values.append(_text(pair.value))
        self.offsets.append(len(self.keys))

    def array(self) -> pa.MapArray:
        keys, values = pa.array(self.keys, pa.string()), pa.array(self.values, pa.string())
        return pa.MapArray.from_arrays(pa.array(self.offsets, pa.int32()), keys, values)


class _Table:
    """The columns of a table as lists."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._columns: dict[str, Any] = {
            field.name: _Maps() if field.type == _MAP else [] for field in schema
        }

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]

    def repeat(self, count: int, **values: str) -> None:
        """The same text in a column for ``count`` rows."""
        for name, value in values.items():
            self._columns[name] += repeat(value, count)

    def batch(self) -> pa.RecordBatch:
        columns = self._columns
        arrays = [
            columns[field.name].array()
            if isinstance(columns[field.name], _Maps)
            else pa.array(columns[field.name], field.type)
            for field in self._schema
        ]
        return pa.record_batch(arrays, schema=self._schema)


def spans(payload: bytes, tenant: str) -> pa.RecordBatch:
    """The rows of a traces request."""
    table = _Table(TRACES)
    for group in ExportTraceServiceRequest.FromString(payload).resource_spans:
        for scope in group.scope_spans:
            _resource(table, group.resource.attributes, tenant, len(scope.spans))
            table.repeat(len(scope.spans), ScopeName=scope.scope.name, ScopeVersion=scope.scope.version)
            for span in scope.spans:
                start = span.start_time_unix_nano
                table["Timestamp"].append(start)
                table["TraceId"].append(span.trace_id.hex())
                table["SpanId"].append(span.span_id.hex())
                table["ParentSpanId"].append(span.parent_span_id.hex())
                table["TraceState"].append(span.trace_state)
                table["SpanName"].append(span.name)
                table["SpanKind"].append(_KINDS[span.kind])
                table["SpanAttributes"].add(span.attributes)
                table["Duration"].append(span.end_time_unix_nano - start)
                table["StatusCode"].append(_CODES[span.status.code])
                table["StatusMessage"].append(span.status.message)
                _lists(table, span)
    return table.batch()


def _lists(table: _Table, span: Any) -> None:
    events, links = span.events, span.links
    table["Events.Timestamp"].append([event.time_unix_nano for event in events])
    table["Events.Name"].append([event.name for event in events])
    table["Events.Attributes"].append([_pairs(event.attributes) for event in events])
    table["Links.TraceId"].append([link.trace_id.hex() for link in links])
    table["Links.SpanId"].append([link.span_id.hex() for link in links])
    table["Links.TraceState"].append([link.trace_state for link in links])
    table["Links.Attributes"].append([_pairs(link.attributes) for link in links])


def logs(payload: bytes, tenant: str) -> pa.RecordBatch:
    """The rows of a logs request."""
    table = _Table(LOGS)
    for group in ExportLogsServiceRequest.FromString(payload).resource_logs:
        for scope in group.scope_logs:
            count = len(scope.log_records)
            _resource(table, group.resource.attributes, tenant, count)
            table.repeat(count, ScopeName=scope.scope.name, ScopeVersion=scope.scope.version)
            table.repeat(count, ResourceSchemaUrl=group.schema_url, ScopeSchemaUrl=scope.schema_url)
            for record in scope.log_records:
                table["Timestamp"].append(record.time_unix_nano)
                table["TraceId"].append(record.trace_id.hex())
                table["SpanId"].append(record.span_id.hex())
                table["TraceFlags"].append(record.flags & 0xFF)
                table["SeverityText"].append(record.severity_text)
                table["SeverityNumber"].append(record.severity_number)
                table["Body"].append(_text(record.body))
                table["ScopeAttributes"].add(scope.scope.attributes)
                table["LogAttributes"].add(record.attributes)
                table["EventName"].append(record.event_name)
    return table.batch()


DECODERS: Final[dict[Signal, Callable[[bytes, str], pa.RecordBatch]]] = {"traces": spans, "logs": logs}


def _resource(table: _Table, attributes: Iterable[Any], tenant: str, count: int) -> None:
    pairs = [pair for pair in _pairs(attributes) if pair[0] != TENANT_ATTRIBUTE]
    table.repeat(count, ServiceName=next((value for key, value in pairs if key == "service.name"), ""))
    pairs.append((TENANT_ATTRIBUTE, tenant))
    column = table["ResourceAttributes"]
    column.keys += chain.from_iterable(repeat([key for key, _ in pairs], count))
    column.values += chain.from_iterable(repeat([value for _, value in pairs], count))
    column.offsets += range(column.offsets[-1] + len(pairs), len(column.keys) + 1, len(pairs))


def _pairs(attributes: Iterable[Any]) -> list[tuple[str, str]]:
    return [(pair.key, _text(pair.value)) for pair in attributes]


def _text(value: Any) -> str:
    """The text of a string or number; the benchmark's requests have no others."""
    return value.string_value if value.HasField("string_value") else str(value.int_value)

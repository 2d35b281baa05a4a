"""A table of several aggregates as one SELECT over the exporter's tables; values travel as parameters."""

from __future__ import annotations

from typing import Final

from airis_ray.search.meaning import Clause, Meaning, Measure, merged

_TABLES: Final = {"traces": "otel_traces", "logs": "otel_logs"}
_COLUMNS: Final = {
    "service": "ServiceName",
    "status": "StatusCode",
    "kind": "SpanKind",
    "SpanKind": "SpanKind",
    "name": "SpanName",
    "level": "lower(SeverityText)",
    "trace": "TraceId",
}
_RESOURCE: Final = ("k8s.", "cloud.", "deployment.", "service.", "host.", "telemetry.")
_MAPS: Final = {"traces": "SpanAttributes", "logs": "LogAttributes"}
_MS: Final = "1e6"
_UNITS: Final = {"us": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}


class _Parameters(dict[str, str | int | float]):
    def bind(self, value: str | float, kind: str = "String") -> str:
        name = f"p{len(self) + 1}"
        self[name] = value
        return f"{{{name}:{kind}}}"


def select(meaning: Meaning) -> tuple[str, dict[str, str | int | float]]:
    """The SELECT and its parameters besides ``from`` and ``to``."""
    parameters = _Parameters()
    groups = [(_column(key, meaning.signal), _alias(key)) for key in meaning.group]
    measures = meaning.measures or [Measure("count")]
    columns = [f"{column} AS {alias}" for column, alias in groups]
    aggregates = [
        _share(meaning.share, meaning.signal, parameters)
        if measure.aggregate == "share" and meaning.share
        else _aggregate(measure, meaning.signal, meaning.spans)
        for measure in measures
    ]
    columns += [f"{sql} AS {alias}" for sql, alias in aggregates]
    where = [
        "Timestamp >= parseDateTime64BestEffort({from:String}, 9)",
        "Timestamp < parseDateTime64BestEffort({to:String}, 9)",
        *(_condition(clause, meaning.signal, parameters) for clause in merged(meaning.clauses)),
    ]
    sql = f"SELECT {', '.join(columns)} FROM {_TABLES[meaning.signal]} WHERE {' AND '.join(where)}"
    if groups:
        sql += f" GROUP BY {', '.join(alias for _, alias in groups)} ORDER BY {aggregates[0][1]} DESC"
    if meaning.limit is not None:
        sql += f" LIMIT {int(meaning.limit)}"
    return sql, dict(parameters)


def _alias(key: str) -> str:
    name = "".join(char if char.isalnum() else "_" for char in key.rpartition(".")[2] or key)
    return name if name and not name[0].isdigit() else f"k_{name}"


def _literal(key: str) -> str:
    return "'" + key.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _column(key: str, signal: str) -> str:
    if key in _COLUMNS:
        return _COLUMNS[key]
    holder = "ResourceAttributes" if key.startswith(_RESOURCE) else _MAPS[signal]
    return f"{holder}[{_literal(key)}]"


def _aggregate(measure: Measure, signal: str, spans: bool) -> tuple[str, str]:
    aggregate = measure.aggregate
    if aggregate in ("count", "rate"):
        return "count()", "spans" if spans else "requests" if signal == "traces" else "logs"
    if aggregate == "error_rate":
        return "countIf(StatusCode IN ('Error', 'STATUS_CODE_ERROR')) / count()", "error_rate"
    if measure.field in (None, "duration"):
        value, unit = "Duration", f" / {_MS}"
    else:
        value, unit = _column(str(measure.field), signal), ""
        if aggregate != "uniq":
            value = f"toFloat64OrNull({value})"
    name = f"{aggregate}_ms" if unit else f"{aggregate}_{_alias(str(measure.field))}"
    if aggregate == "uniq":
        return f"uniqExact({value})", name
    if aggregate.startswith("p"):
        return f"quantileExact({float(aggregate[1:] + 'e-2'):g})({value}){unit}", name
    return f"{aggregate}({value}){unit}", name


def _share(clause: Clause, signal: str, parameters: _Parameters) -> tuple[str, str]:
    return f"countIf({_condition(clause, signal, parameters)}) / count()", "share"


def _condition(clause: Clause, signal: str, parameters: _Parameters) -> str:
    positive = _positive(clause, signal, parameters)
    return f"NOT ({positive})" if clause.negated else positive


def _positive(clause: Clause, signal: str, parameters: _Parameters) -> str:
    if clause.field == "":
        body = "Body" if signal == "logs" else "SpanName"
        return (
            "("
            + " OR ".join(
                f"positionCaseInsensitive({body}, {parameters.bind(value)}) > 0" for value in clause.values
            )
            + ")"
        )
    if clause.field == "duration":
        return _compare("Duration", clause, parameters, [_nanoseconds(value) for value in clause.values])
    column = _column(clause.field, signal)
    if clause.op == "exists":
        return f"{column} != ''"
    if clause.op != "=":
        return _compare(
            f"toFloat64OrZero({column})", clause, parameters, [float(value) for value in clause.values]
        )
    if clause.field in ("SpanKind", "kind", "status"):
        prefix = "SPAN_KIND_" if clause.field != "status" else "STATUS_CODE_"
        spellings = [
            spelling for value in clause.values for spelling in (value.capitalize(), prefix + value.upper())
        ]
        return f"{column} IN ({', '.join(parameters.bind(value) for value in spellings)})"
    listed = ", ".join(parameters.bind(value) for value in clause.values)
    return f"{column} = {listed}" if len(clause.values) == 1 else f"{column} IN ({listed})"


def _compare(column: str, clause: Clause, parameters: _Parameters, values: list[float]) -> str:
    if clause.op == "range":
        low, high = (parameters.bind(value, "Float64") for value in values)
        return f"({column} >= {low} AND {column} <= {high})"
    return f"{column} {clause.op} {parameters.bind(values[0], 'Float64')}"


def _nanoseconds(value: str) -> float:
    number = "".join(char for char in value if char.isdigit() or char == ".")
    return float(number) * _UNITS.get(value[len(number) :], 1.0)

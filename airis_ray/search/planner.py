"""From a meaning to a request of the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from airis_ray.search.catalog import Catalog
from airis_ray.search.comparing import compare
from airis_ray.search.instants import Times
from airis_ray.search.meaning import Clause, Meaning, Measure
from airis_ray.search.requests import Proposal, Window, length, window
from airis_ray.search.sql_table import select

ANALYTICS: Final = "/api/analytics"
_GENTLE_STEPS: Final = (60, 300, 900, 3600, 21_600, 86_400)
_Make = Callable[[Meaning, Times, datetime, Window], Proposal]


def propose(meaning: Meaning, times: Times, now: datetime, catalog: Catalog) -> Proposal | None:
    """The request that answers a meaning; None where nothing of the contract does."""
    asked = window(times, now)
    if meaning.intent == "values" and meaning.target is None:
        return None
    if meaning.intent == "forecast" and not _counts(meaning):
        return None
    _complete(meaning, catalog)
    plain = _PLAIN.get(meaning.intent)
    if plain is not None:
        return plain(meaning, times, now, asked)
    if meaning.intent == "compare" and (compared := compare(meaning, times, now, asked)) is not None:
        return compared
    if meaning.intent == "forecast":
        return _forecast(meaning, times, asked)
    if meaning.signal == "metrics":
        return _metric(meaning, times, asked)
    if (meaning.table and (meaning.measures or meaning.group)) or len(meaning.measures) > 1 or meaning.share:
        return _table(meaning, asked)
    if meaning.measures or meaning.group or meaning.trend or times.step is not None:
        return Proposal("POST", f"{ANALYTICS}/timeseries", _series(meaning, times, asked))
    return _search(meaning, asked)


def _counts(meaning: Meaning) -> bool:
    """Whether a question says what is to be counted or measured."""
    return bool(meaning.requests or meaning.spans or meaning.clauses or meaning.measures or meaning.metric)


def _complete(meaning: Meaning, catalog: Catalog) -> None:
    """Requests are the spans that a service was asked with; a latency, an error rate and a count of them, too.

    A counter is asked for its increase where no aggregate is named.
    """
    metric = catalog.metrics.get(meaning.metric or "")
    if metric is not None and metric.monotonic and metric.kind == "sum" and not meaning.measures:
        meaning.measures.append(Measure("sum"))
    if meaning.signal != "traces":
        return
    if meaning.spans or any(
        clause.field
        in ("SpanKind", "db.system", "messaging.system", "db.operation.name", "messaging.destination.name")
        for clause in meaning.clauses
    ):
        return
    services = [
        value
        for clause in meaning.clauses
        if clause.field == "service" and not clause.negated
        for value in clause.values
    ]
    kinds = [catalog.kinds.get(service, set()) for service in services]
    consumers = bool(kinds) and all(each and "Server" not in each and "Consumer" in each for each in kinds)
    meaning.clauses.append(Clause("SpanKind", "=", ("Consumer",) if consumers else ("Server",)))


def _search(meaning: Meaning, asked: Window) -> Proposal:
    body: dict[str, Any] = {"signal": meaning.signal, "query": meaning.query(), **asked.body()}
    if meaning.limit is not None:
        body["limit"] = meaning.limit
    order = meaning.order
    if order is not None:
        body["order"] = f"{order[0]} {'desc' if order[1] else 'asc'}"
    return Proposal("POST", f"{ANALYTICS}/search", body)


def _series(meaning: Meaning, times: Times, asked: Window) -> dict[str, Any]:
    measure = meaning.measures[0] if meaning.measures else Measure("count")
    body: dict[str, Any] = {
        "signal": meaning.signal,
        "query": meaning.query(),
        "aggregate": measure.aggregate,
    }
    if measure.field is not None and measure.aggregate not in ("count", "rate", "error_rate"):
        body["field"] = measure.field
    if meaning.group:
        body["group_by"] = list(meaning.group)
    step = times.step
    if step is not None:
        body["step"] = length(step)
    elif not meaning.trend:
        body["step"] = length(asked.seconds)
    body.update(asked.body())
    if meaning.limit is not None and meaning.group:
        body["limit"] = meaning.limit
    return body


def _metric(meaning: Meaning, times: Times, asked: Window) -> Proposal | None:
    if meaning.metric is None:
        return None
    body = _of_metric(meaning, _series(meaning, times, asked))
    return Proposal("POST", f"{ANALYTICS}/timeseries", body)


def _of_metric(meaning: Meaning, series: dict[str, Any]) -> dict[str, Any]:
    """A series of a metric: its count is its sum, and without an aggregate it takes the metric's own."""
    aggregate = meaning.measures[0].aggregate if meaning.measures else ""
    body = {name: value for name, value in series.items() if name not in ("field", "aggregate")}
    if aggregate not in ("", "error_rate"):
        body["aggregate"] = "sum" if aggregate == "count" else aggregate
    return {**body, "metric": meaning.metric}


def _table(meaning: Meaning, asked: Window) -> Proposal | None:
    if meaning.signal not in ("logs", "traces"):
        return None
    sql, parameters = select(meaning)
    return Proposal("POST", f"{ANALYTICS}/sql", {"sql": sql, "parameters": {**asked.body(), **parameters}})


def _forecast(meaning: Meaning, times: Times, asked: Window) -> Proposal:
    """The series comes from the store when the question is answered (``series`` holds the request for it)."""
    meaning.trend = True
    step = times.step or next((each for each in _GENTLE_STEPS if asked.seconds / each <= 400), 86_400)
    series = _series(meaning, times, asked)
    if meaning.signal == "metrics" and meaning.metric:
        series = _of_metric(meaning, series)
    series["step"] = length(step)
    ahead = meaning.horizon or round(asked.seconds / 4)
    return Proposal("POST", "/api/aiops/forecast", {"series": series, "horizon": max(1, round(ahead / step))})


def _service(meaning: Meaning) -> dict[str, str]:
    return {"service": meaning.services[0]} if meaning.services else {}


def _get(path: str, *, service: bool = False, ranged: bool = True) -> _Make:
    def make(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
        return Proposal(
            "GET", path, {**(asked.body() if ranged else {}), **(_service(meaning) if service else {})}
        )

    return make


def _metrics(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
    prefix = {"prefix": meaning.target} if meaning.target else {}
    body = {**(asked.body() if asked.said else {}), **prefix, **_service(meaning)}
    return Proposal("GET", f"{ANALYTICS}/metrics", body)


def _trace(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
    return Proposal("GET", f"{ANALYTICS}/traces/{meaning.trace}")


def _trace_logs(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
    meaning.clauses.insert(0, Clause("trace", "=", (str(meaning.trace),)))
    return _search(meaning, asked)


def _patterns(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
    body: dict[str, Any] = {"query": meaning.query(), **asked.body()}
    if len(times.ranges) > 1:
        later, earlier = sorted(
            (window(times, now, n) for n in (0, 1)), key=lambda each: each.start, reverse=True
        )
        body = {"query": meaning.query(), **later.body(), "compare_to": earlier.body()}
    return Proposal("POST", "/api/aiops/log-patterns", body)


def _similar(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
    said = [value for clause in meaning.clauses if clause.field == "" for value in clause.values]
    text = meaning.text or " ".join(said)
    if not text:  # group similar logs: like each other, and not like a text
        return _patterns(meaning, times, now, asked)
    body: dict[str, Any] = {"text": text, **asked.body()}
    if meaning.limit is not None:
        body["limit"] = meaning.limit
    return Proposal("POST", "/api/search/similar-logs", body)


def _cause(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
    return Proposal("POST", "/api/aiops/root-cause", {**asked.body(), **_service(meaning)})


def _sessions(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
    return Proposal("GET", "/api/replay/sessions", {"query": meaning.query(), **asked.body()})


def _fields(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
    return Proposal("GET", f"{ANALYTICS}/fields", {"signal": meaning.signal, **asked.body()})


def _values(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
    body = {"signal": meaning.signal, **asked.body()}
    return Proposal("GET", f"{ANALYTICS}/fields/{meaning.target}/values", body)


_PLAIN: Final[Mapping[str, _Make]] = {
    "trace": _trace,
    "trace_logs": _trace_logs,
    "services": _get(f"{ANALYTICS}/services"),
    "map": _get(f"{ANALYTICS}/service-map"),
    "metrics": _metrics,
    "anomalies": _get("/api/aiops/anomalies", service=True),
    "incidents": _get("/api/aiops/incidents", ranged=False),
    "rules": _get("/api/aiops/rules", ranged=False),
    "channels": _get("/api/aiops/channels", ranged=False),
    "patterns": _patterns,
    "similar": _similar,
    "cause": _cause,
    "sessions": _sessions,
    "fields": _fields,
    "values": _values,
}

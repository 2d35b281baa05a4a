"""From a meaning to a request of the contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from airis_ray.search.catalog import Catalog
from airis_ray.search.meaning import Clause, Meaning, Measure, merged
from airis_ray.search.sql_table import select
from airis_ray.search.times import Times

ANALYTICS: Final = "/api/analytics"
_HOUR: Final = timedelta(hours=1)
_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_GENTLE_STEPS: Final = (60, 300, 900, 3600, 21_600, 86_400)


@dataclass(frozen=True)
class Proposal:
    """A request: its method, its path (filled in) and its body, or its query parameters for a GET."""

    method: str
    endpoint: str
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Window:
    """The range that is asked for; ``said`` is whether the question named one."""

    start: datetime
    end: datetime
    said: bool

    def body(self) -> dict[str, str]:
        """As a request's fields."""
        return {"from": written(self.start), "to": written(self.end)}

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end.astimezone(UTC) - self.start.astimezone(UTC)).total_seconds()


def written(moment: datetime) -> str:
    """RFC 3339 with the zone's offset; Z for UTC."""
    text = moment.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def window(times: Times, now: datetime, number: int = 0) -> Window:
    """One of a question's ranges; the hour before ``now`` where there is none."""
    if number < len(times.ranges):
        found = times.ranges[number]
        return Window(found.start, found.end, True)
    return Window(now - _HOUR, now, False)


def propose(meaning: Meaning, times: Times, now: datetime, catalog: Catalog) -> Proposal | None:
    """The request that answers a meaning; None where nothing of the contract does."""
    asked = window(times, now)
    _complete(meaning, catalog)
    plain = _PLAIN.get(meaning.intent)
    if plain is not None:
        return plain(meaning, times, now, asked)
    if meaning.intent == "compare":
        return _compare(meaning, times, now, asked)
    if meaning.intent == "forecast":
        return _forecast(meaning, times, asked)
    if meaning.signal == "metrics":
        return _metric(meaning, times, asked)
    if meaning.table and (meaning.measures or meaning.group) or len(meaning.measures) > 1:
        return _table(meaning, asked)
    if meaning.measures or meaning.group or meaning.trend:
        return Proposal("POST", f"{ANALYTICS}/timeseries", _series(meaning, times, asked))
    return _search(meaning, asked)


def _complete(meaning: Meaning, catalog: Catalog) -> None:
    """Requests are the spans that a service was asked with; a latency, an error rate and a count of them, too."""
    if meaning.signal != "traces":
        return
    if meaning.spans or any(clause.field in ("SpanKind", "db.system", "messaging.system", "db.operation.name", "messaging.destination.name") for clause in meaning.clauses):
        return
    services = [value for clause in meaning.clauses if clause.field == "service" and not clause.negated for value in clause.values]
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
    body: dict[str, Any] = {"signal": meaning.signal, "query": meaning.query(), "aggregate": measure.aggregate}
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


def length(seconds: float) -> str:
    """A duration of the contract; what is not whole seconds is taken up to the next."""
    whole = max(int(-(-seconds // 1)), 1)
    for size, unit in _UNITS:
        if whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def _metric(meaning: Meaning, times: Times, asked: Window) -> Proposal | None:
    if meaning.metric is None:
        return None
    body = _series(meaning, times, asked)
    body["metric"] = meaning.metric
    if not meaning.measures:
        body.pop("aggregate")
    elif meaning.measures[0].aggregate == "count":
        body["aggregate"] = "sum"
    elif meaning.measures[0].aggregate == "error_rate":
        body.pop("aggregate")
    body.pop("field", None)
    return Proposal("POST", f"{ANALYTICS}/timeseries", body)


def _table(meaning: Meaning, asked: Window) -> Proposal | None:
    if meaning.signal not in ("logs", "traces"):
        return None
    sql, parameters = select(meaning)
    return Proposal("POST", f"{ANALYTICS}/sql", {"sql": sql, "parameters": {**asked.body(), **parameters}})


def _forecast(meaning: Meaning, times: Times, asked: Window) -> Proposal:
    """The series comes from the store when the question is answered (``series`` holds the request for it until then)."""
    meaning.trend = True
    step = times.step or next((each for each in _GENTLE_STEPS if asked.seconds / each <= 400), 86_400)
    series = _series(meaning, times, asked)
    if meaning.signal == "metrics" and meaning.metric:
        series["metric"] = meaning.metric
        series.pop("field", None)
        if not meaning.measures:
            series.pop("aggregate")
    series["step"] = length(step)
    ahead = meaning.horizon or round(asked.seconds / 4)
    return Proposal("POST", "/api/aiops/forecast", {"series": series, "horizon": max(1, round(ahead / step))})


def _compare(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal | None:
    """Two ranges of the same rows, or two kinds of rows in one range."""
    signal = meaning.signal if meaning.signal in ("logs", "traces", "sessions") else "traces"
    if len(times.ranges) > 1:
        query = meaning.query()
        sides = [{"query": query, **window(times, now, number).body()} for number in (0, 1)]
        # What is compared with is the earlier one, in whichever order they were said.
        sides.sort(key=lambda side: datetime.fromisoformat(side["from"].replace("Z", "+00:00")), reverse=True)
        return _delta(signal, sides[0], sides[1])
    split = _split(meaning)
    if split is None:
        return None
    target, baseline = split
    return _delta(signal, {"query": target, **asked.body()}, {"query": baseline, **asked.body()})


def _delta(signal: str, target: dict[str, str], baseline: dict[str, str]) -> Proposal:
    return Proposal("POST", "/api/delta/compare", {"signal": signal, "target": target, "baseline": baseline})


def _split(meaning: Meaning) -> tuple[str, str] | None:
    """The two queries of a comparison: two values of a field, or a condition and its opposite."""
    for number, clause in enumerate(meaning.clauses):
        other = next(
            (later for later in meaning.clauses[number + 1 :] if later.field == clause.field and (later.values != clause.values or later.negated != clause.negated)),
            None,
        )
        if other is None or clause.field == "":
            continue
        rest = [each for each in meaning.clauses if each is not clause and each is not other]
        first, second = (other, clause) if clause.field == "status" and clause.negated else (clause, other)
        return _query([*rest, first]), _query([*rest, second])
    for clause in reversed(meaning.clauses):
        if clause.field in ("status", "duration", "level") or clause.field not in ("service", "SpanKind"):
            rest = [each for each in meaning.clauses if each is not clause]
            opposite = Clause(clause.field, clause.op, clause.values, not clause.negated, clause.at)
            return _query([*rest, clause]), _query([*rest, opposite])
    return None


def _query(clauses: list[Clause]) -> str:
    return " and ".join(clause.text() for clause in merged(clauses))


def _service(meaning: Meaning) -> dict[str, str]:
    return {"service": meaning.services[0]} if meaning.services else {}


def _get(path: str, *, service: bool = False, ranged: bool = True) -> Any:
    def make(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
        return Proposal("GET", path, {**(asked.body() if ranged else {}), **(_service(meaning) if service else {})})

    return make


def _metrics(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
    return Proposal("GET", f"{ANALYTICS}/metrics", {**(asked.body() if asked.said else {}), **_service(meaning)})


def _trace(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
    return Proposal("GET", f"{ANALYTICS}/traces/{meaning.trace}")


def _trace_logs(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
    meaning.clauses.insert(0, Clause("trace", "=", (str(meaning.trace),)))
    return _search(meaning, asked)


def _patterns(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
    body: dict[str, Any] = {"query": meaning.query(), **asked.body()}
    if len(times.ranges) > 1:
        later, earlier = sorted((window(times, now, n) for n in (0, 1)), key=lambda each: each.start, reverse=True)
        body = {"query": meaning.query(), **later.body(), "compare_to": earlier.body()}
    return Proposal("POST", "/api/aiops/log-patterns", body)


def _similar(meaning: Meaning, times: Times, now: datetime, asked: Window) -> Proposal:
    said = [value for clause in meaning.clauses if clause.field == "" for value in clause.values]
    body: dict[str, Any] = {"text": " ".join(said) or meaning.text or "", **asked.body()}
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


_PLAIN: Final = {
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

"""``/explain``: which combination of values a change between two ranges goes with, counted over the events."""

from __future__ import annotations

import time
from typing import Annotated, Final, Literal

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from airis_ray.analytics.compile import query_filter
from airis_ray.analytics.fields import resolve
from airis_ray.analytics.ranges import within
from airis_ray.analytics.signals import Kind, source_of
from airis_ray.analytics.sql import Sql, all_of, any_of, bind, join, sql
from airis_ray.delta.attributes import named, quoted
from airis_ray.delta.cube import MAX_DIMENSIONS, Cause, Cube
from airis_ray.delta.explain_ratios import Before, explain_ratio
from airis_ray.delta.explain_sums import explain_sum
from airis_ray.delta.models import Group
from airis_ray.errors import InvalidInput, TooLarge
from airis_ray.store import Query, Store
from airis_ray.store.keys import HotKeys
from airis_ray.telemetry.times import parse_range

MAX_LEAVES: Final = 100_000
"""Combinations of values of all dimensions."""


class ExplainRequest(BaseModel):
    """The body of ``POST /explain``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    signal: Literal["traces", "logs", "sessions"] = Field("traces", description="what is counted")
    dimensions: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = Field(
        min_length=1, max_length=MAX_DIMENSIONS, description="columns, aliases or attribute keys"
    )
    target: Group = Field(default_factory=lambda: Group(), description="the events now")
    baseline: Group = Field(
        default_factory=lambda: Group.model_validate({"from": "now-2h", "to": "now-1h"}),
        description="the events before",
    )
    events: str | None = Field(
        None,
        description="search syntax: the part of the events whose share changed, such as status:error; "
        "left out: the number of events changed",
    )


class Explanation(BaseModel):
    """A combination that the change goes with."""

    combination: dict[str, str | None] = Field(description="dimension and value; null is absent")
    query: str
    expected: float = Field(description="how many events there would have been without the change")
    actual: float
    gain: float = Field(
        description="how strongly its events speak for it: Jeffreys' divergence or a log likelihood ratio"
    )


class ExplainAnswer(BaseModel):
    """The causes of a change, the strongest first; none where chance explains it."""

    expected: float
    actual: float
    causes: list[Explanation]
    elapsed_ms: float


async def explain(
    store: Store, request: ExplainRequest, tenant: str, now_ns: int, hot: HotKeys, budget: float
) -> ExplainAnswer:
    """Count the cube and explain it; ``budget`` is how many seconds the count may take."""
    started = time.monotonic()
    ranges = [
        parse_range(group.from_, group.to, now_ns, pointer=f"/{name}")
        for name, group in (("target", request.target), ("baseline", request.baseline))
    ]
    statement = _statement(request, now_ns, hot)
    query = Query(
        statement.text, statement.parameters, tenant=tenant, settings={"max_execution_time": budget}
    )
    table = (await store.query(query)).table
    if table.num_rows > MAX_LEAVES:
        raise TooLarge(f"the dimensions have more than {MAX_LEAVES} combinations of values; name fewer")
    if not table.num_rows:
        return ExplainAnswer(expected=0, actual=0, causes=[], elapsed_ms=0)
    scale = ranges[0].length_ns / ranges[1].length_ns
    causes, expected, actual = _explained(request, table, scale)
    return ExplainAnswer(
        expected=expected,
        actual=actual,
        causes=[_told(each) for each in causes],
        elapsed_ms=round((time.monotonic() - started) * 1e3, 3),
    )


def _statement(request: ExplainRequest, now_ns: int, hot: HotKeys) -> Sql:
    source = source_of(request.signal)
    sides = []
    for name, group in (("target", request.target), ("baseline", request.baseline)):
        part = parse_range(group.from_, group.to, now_ns, pointer=f"/{name}")
        matches = query_filter(group.query, request.signal, now_ns=now_ns, pointer=f"/{name}/query", hot=hot)
        sides.append(all_of([within(source, part), matches]))
    events = query_filter(request.events or "", request.signal, now_ns=now_ns, pointer="/events", hot=hot)
    values = []
    for at, name in enumerate(dict.fromkeys(request.dimensions)):
        field = resolve(name, request.signal, hot=hot)
        if field.kind in (Kind.TIME, Kind.MAP, Kind.OTHER, Kind.STRINGS):
            raise InvalidInput.field(f"/dimensions/{at}", f"{name} has no values that could be a dimension")
        values.append(sql("toString({}) AS {}", field.value, Sql(f"d{at}")))
    return sql(
        "SELECT {}, countIf({}) AS now, countIf({}) AS before, countIf({} AND {}) AS events,"
        " countIf({} AND {}) AS earlier FROM {} WHERE {} GROUP BY {} LIMIT {}",
        join(", ", values),
        sides[0],
        sides[1],
        sides[0],
        events,
        sides[1],
        events,
        Sql(source.table or ""),
        any_of(sides),
        join(", ", [Sql(f"d{at}") for at in range(len(values))]),
        bind(MAX_LEAVES + 1, "UInt64"),
    )


def _explained(request: ExplainRequest, table: pa.Table, scale: float) -> tuple[list[Cause], float, float]:
    """The causes, and what was expected and came in all."""
    names = list(dict.fromkeys(request.dimensions))
    cube = Cube({name: table.column(f"d{at}").to_pylist() for at, name in enumerate(names)})
    now, before, events, earlier = (
        np.asarray(table.column(name)).astype(np.float64) for name in ("now", "before", "events", "earlier")
    )
    if request.events is None:
        expected = before * scale
        return explain_sum(cube, expected.tolist(), now.tolist()), float(expected.sum()), float(now.sum())
    rate = earlier.sum() / max(1.0, before.sum())
    causes = explain_ratio(cube, Before(earlier.tolist(), before.tolist()), events.tolist(), now.tolist())
    return causes, float(rate * now.sum()), float(events.sum())


def _told(cause: Cause) -> Explanation:
    terms = [
        f"{named(key)}:{quoted(value)}" if value else f"-{named(key)}:*"
        for key, value in cause.combination.items()
    ]
    return Explanation(
        combination={key: value or None for key, value in cause.combination.items()},
        query=" ".join(terms),
        expected=cause.expected,
        actual=cause.actual,
        gain=cause.gain,
    )

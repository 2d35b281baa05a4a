"""The SQL of a comparison: how many rows there are, a stable sample of them, and the counts in one pass over both."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from airis_ray.analytics.fields import resolve
from airis_ray.analytics.ranges import within
from airis_ray.analytics.signals import Kind, Source
from airis_ray.analytics.sql import Sql, all_of, any_of, sql
from airis_ray.delta.attributes import Attribute
from airis_ray.telemetry.times import TimeRange

_COMPARED: Final = (
    Kind.STRING,
    Kind.TEXT,
    Kind.ENUM,
    Kind.LEVEL,
    Kind.NUMBER,
    Kind.DURATION,
    Kind.BOOL,
)
_IDS: Final = frozenset({"TraceId", "SpanId", "ParentSpanId"})
"""Columns that are ids whatever is in them."""
_ZERO_IS_MISSING: Final = frozenset({"SeverityNumber", "TemplateId"})
_SLICES: Final = 64
"""Stretches of time that a thinned range is read in: few enough for the key, many enough to see all of the range."""


@dataclass(frozen=True)
class Compared:
    """Two conditions on the rows of a signal; ``asked`` are the columns and keys in which they differ as they stand.

    ``period`` is the time that the rows of both lie in.
    """

    signal: str
    source: Source
    period: TimeRange
    target: Sql
    baseline: Sql
    asked: frozenset[str]

    @property
    def table(self) -> Sql:
        """Where the rows are."""
        return Sql(self.source.table or "")

    @property
    def any_side(self) -> Sql:
        """A row of either side."""
        return any_of([self.target, self.baseline])


def condition(source: Source, part: TimeRange, matches: Sql, thinning: int) -> Sql:
    """The rows of one side; of a ``thinning`` above 1 those in stretches that make up so small a part of its range.

    Where the stretches lie follows from the range alone.
    """
    if thinning == 1:
        return all_of([within(source, part), matches])
    step = part.length_ns / _SLICES
    length = max(1, int(step / thinning))
    slices = []
    for at in range(_SLICES):
        seed = hashlib.blake2s(f"{part.start_ns} {part.end_ns} {at}".encode(), digest_size=4).digest()
        start = part.start_ns + int(step * at + (step - length) * int.from_bytes(seed) / 2**32)
        slices.append(within(source, TimeRange(start, start + length)))
    return all_of([within(source, part), any_of(slices), matches])


def columns_of(compared: Compared) -> list[tuple[str, Sql]]:
    """The columns that are compared, each as text that is empty where the column says nothing."""
    found = []
    for name, kind in compared.source.columns.items():
        if kind not in _COMPARED or name in _IDS:
            continue
        value = resolve(name, compared.signal).value
        if name in _ZERO_IS_MISSING:
            value = sql("if({} = 0, '', toString({}))", value, value)
        elif kind in (Kind.NUMBER, Kind.DURATION, Kind.BOOL):
            value = sql("toString({})", value)
        else:
            value = sql("CAST({}, 'String')", value)
        found.append((name, value))
    return found


def number_of(compared: Compared, attribute: Attribute, value: Sql) -> Sql:
    """The number that a row has in a numeric attribute, NaN where it has none; ``value`` is the attribute as text."""
    name = attribute.name
    kind = compared.source.columns.get(name) if attribute.place[0] == 0 else None
    if kind in (Kind.NUMBER, Kind.DURATION) and name not in _ZERO_IS_MISSING:
        return sql("toFloat64({})", resolve(name, compared.signal).value)
    return sql("ifNull(toFloat64OrNull({}), nan)", value)


def key_hash(at: int) -> Sql:
    """The hash of a key ``k`` of a source. Of a map with low cardinality it is computed once for each different key."""
    return Sql(f"cityHash64({at}, k)")

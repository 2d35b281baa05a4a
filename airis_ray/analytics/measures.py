"""What an aggregate is made of: parts that add up over any split of the rows, and the value from the parts.

Because parts add up, the same rows give the same number whether they were read raw, from a roll-up, or some
of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airis_ray.analytics.fields import Field
from airis_ray.analytics.levels import is_level
from airis_ray.analytics.sql import Sql, sql
from airis_ray.errors import Bug, InvalidInput
from airis_ray.store import histogram

FAILED_SPAN: Final = Sql("StatusCode IN ('Error', 'STATUS_CODE_ERROR')")
FAILED_LOG: Final = is_level("error", "fatal")
REQUEST_SPAN: Final = Sql("SpanKind IN ('Server', 'Consumer', 'SPAN_KIND_SERVER', 'SPAN_KIND_CONSUMER')")


@dataclass(frozen=True)
class Measure:
    """One aggregate in SQL.

    ``raw`` are the parts over raw rows, name → aggregate expression; ``rolled`` the same parts over rows of
    the roll-up, None where it does not hold them. ``value`` is an aggregate expression over parts, Float64,
    NaN for no data. ``latency`` is set where a part ``h``, the histogram of Duration, comes beside ``raw``
    (sums and counts alone then) as the last part. ``alone`` gives the same value faster where nothing but raw
    rows is read.
    """

    raw: dict[str, Sql]
    rolled: dict[str, Sql] | None
    value: Sql
    latency: bool = False
    alone: Measure | None = None


ROLLED_DURATION: Final = {
    "sum": {"n": Sql("sum(Count)"), "s": Sql("sum(DurationSum)")},
    "avg": {"n": Sql("sum(Count)"), "s": Sql("sum(DurationSum)")},
    "min": {"n": Sql("sum(Count)"), "x": Sql("min(DurationMin)")},
    "max": {"n": Sql("sum(Count)"), "x": Sql("max(DurationMax)")},
}
"""The parts of :func:`over_values` of Duration in the roll-up of services."""

_COUNT: Final = Measure({"n": Sql("count()")}, {"n": Sql("sum(Count)")}, Sql("toFloat64(sum(n))"))


def counted() -> Measure:
    """The number of rows; 0 for no data."""
    return _COUNT


def failures() -> Measure:
    """The number of spans where only failed ones are read."""
    return Measure(_COUNT.raw, {"n": Sql("sum(Errors)")}, _COUNT.value)


def failed_share(signal: str) -> Measure:
    """The share of failed spans, or of logs of level error and worse."""
    condition = FAILED_SPAN if signal == "traces" else FAILED_LOG
    errors = Sql("sum(Errors)") if signal == "traces" else sql("sumIf(Count, {})", FAILED_LOG)
    return Measure(
        {"n": Sql("count()"), "e": sql("countIf({})", condition)},
        {"n": Sql("sum(Count)"), "e": errors},
        Sql("sum(e) / sum(n)"),
    )


def over_values(aggregate: str, value: Sql, rolled: dict[str, Sql] | None = None) -> Measure:
    """sum, avg, min or max of a numeric expression (NULL where a row has none); ``rolled`` gives the same
    parts.
    """
    count = sql("count({})", value)
    if aggregate in ("sum", "avg"):
        raw = {"n": count, "s": sql("sum({})", value)}
        inner = "sum(s)" if aggregate == "sum" else "sum(s) / sum(n)"
    elif aggregate == "min":
        raw, inner = {"n": count, "x": sql("min({})", value)}, "min(x)"
    elif aggregate == "max":
        raw, inner = {"n": count, "x": sql("max({})", value)}, "max(x)"
    else:
        raise Bug(f"{aggregate} is no aggregate over values")
    return Measure(raw, rolled, Sql(f"if(sum(n) = 0, nan, ifNull(toFloat64({inner}), nan))"))


def latency_quantile(q: float) -> Measure:
    """A quantile of Duration in nanoseconds, from the histogram of :mod:`airis_ray.store.histogram`."""
    value = histogram.quantile_sql("sumMap(h)", q)
    return Measure(
        {}, {"h": Sql(histogram.merged_sql("Latency"))}, Sql(f"ifNull({value}, nan)"), latency=True
    )


def value_quantile(value: Sql, q: float) -> Measure:
    """The exact quantile of a numeric expression, interpolated between neighbours."""
    return Measure(
        {"q": Sql(f"quantileExactInclusiveState({q!r})(") + value + Sql(")")},
        None,
        Sql(f"ifNull(quantileExactInclusiveMerge({q!r})(q), nan)"),
    )


def distinct(field: Field) -> Measure:
    """The number of different values, counted exactly; a row that lacks the field has none."""
    value = sql("if({}, toString({}), NULL)", field.present, field.value)
    return Measure({"u": sql("uniqExactState({})", value)}, None, Sql("toFloat64(uniqExactMerge(u))"))


def needs_field(aggregate: str) -> InvalidInput:
    """The error of an aggregate over values without a field."""
    return InvalidInput.field("/field", f"{aggregate} needs the field it is taken of, such as duration")

"""Conditions on the time of rows, in the form that the tables' keys can be searched with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from airis_ray.analytics.signals import Source
from airis_ray.analytics.sql import TRUE, Sql, all_of, bind, quote_identifier, sql, time
from airis_ray.telemetry.times import SECOND, TimeRange

_LAST_DATETIME: Final = 2**32 - 1
_KEYS: Final = {
    "otel_logs": Sql("toStartOfFiveMinutes(Timestamp)"),
    "hyperdx_sessions": Sql("TimestampTime"),
}
_STEP: Final = 300


def within(source: Source, part: TimeRange) -> Sql:
    """The condition that a row's time lies in ``part``."""
    column = quote_identifier(source.time)
    first, last = time(part.start_ns), time(part.end_ns)
    condition = sql("({} >= {} AND {} < {})", column, first, column, last)
    return all_of([condition, key_hint(source.table, part.start_ns, part.end_ns)])


def key_hint(table: str, start_ns: int, end_ns: int) -> Sql:
    """What a condition on the time of a table's rows needs beside it, so that the primary key is used.

    True of every row, and computed for none: it only chooses granules. ClickHouse does not derive bounds of
    ``toStartOfFiveMinutes(Timestamp)`` from those of a DateTime64: for ten minutes among a day's logs it would read
    the whole day (27 of 27 granules without the hint, 1 with it).
    """
    key = _KEYS.get(table)
    if key is None:
        return TRUE
    first = _seconds(start_ns // SECOND // _STEP * _STEP)
    return sql("indexHint({} >= {} AND {} <= {})", key, first, key, _seconds(end_ns // SECOND))


def one_of_times(source: Source, times_ns: Sequence[int]) -> Sql:
    """The condition that a row's time is one of these."""
    # Compared as integers: a list of DateTime64 is compared element by element (five times the processor's time).
    listed = bind(list(times_ns), "Array(Int64)")
    return sql("toUnixTimestamp64Nano({}) IN {}", quote_identifier(source.time), listed)


def _seconds(seconds: int) -> Sql:
    return sql("toDateTime({}, 'UTC')", bind(min(seconds, _LAST_DATETIME), "UInt32"))

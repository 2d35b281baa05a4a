"""Times and durations as callers write them: RFC 3339, integer nanoseconds, ``now-15m``; ``15s``, ``5m``, ``7d``.

Inside, a time is an ``int`` of nanoseconds since the epoch, UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from airis_ray.errors import InvalidInput

SECOND: Final = 1_000_000_000
LAST: Final = 2**63 - 1
"""The last time there is, in 2262: what 64 bits of nanoseconds reach and ClickHouse's DateTime64(9) holds."""

UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
    "d": 86400 * SECOND,
    "w": 7 * 86400 * SECOND,
}
"""Nanoseconds of each unit of a duration."""

TIME_EXPECTED: Final = (
    "an RFC 3339 time with its offset, integer nanoseconds, or a relative time such as now-15m"
)
DURATION_EXPECTED: Final = "a duration such as 500ms, 15s, 5m, 1h or 7d"

_PART: Final = r"(\d{1,19}(?:\.\d{1,9})?)(ns|us|µs|ms|s|m|h|d|w)"
_DURATION: Final = re.compile(rf"(?:{_PART})+", re.ASCII)
_EACH_PART: Final = re.compile(_PART, re.ASCII)
_RELATIVE: Final = re.compile(rf"now((?:[+-](?:{_PART})+)*)", re.ASCII)
_EACH_STEP: Final = re.compile(rf"([+-])((?:{_PART})+)", re.ASCII)
_RFC3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """``[start_ns, end_ns)``, start before end."""

    start_ns: int
    end_ns: int

    @property
    def length_ns(self) -> int:
        """From start to end."""
        return self.end_ns - self.start_ns


def parse_time(value: str | int, now_ns: int, *, pointer: str = "") -> int:
    """Nanoseconds since the epoch of a time in any of the accepted forms.

    ``now_ns`` is what ``now`` means. Raises InvalidInput (at ``pointer``) for anything else, and for times before
    1970 or after 2262.
    """
    result: int | None
    if isinstance(value, int):
        result = value
    elif re.fullmatch(r"-?\d{1,19}", value, re.ASCII):
        result = int(value)
    else:
        text = value.strip()
        result = _relative(text, now_ns) if text.startswith("now") else _rfc3339(text)
    if result is None:
        raise InvalidInput.field(pointer, f"{_shown(value)} is no time; expected {TIME_EXPECTED}")
    if not 0 <= result <= LAST:
        raise InvalidInput.field(
            pointer, f"{_shown(value)} cannot be stored; expected a time from 1970 to 2262"
        )
    return result


def parse_duration(value: str, *, pointer: str = "") -> int:
    """Nanoseconds of a duration such as ``15s``, ``1h30m`` or ``0.5ms``; at least 1 unless it says 0."""
    text = value.strip()
    if not _DURATION.fullmatch(text):
        raise InvalidInput.field(pointer, f"{_shown(value)} is no duration; expected {DURATION_EXPECTED}")
    total = _total(text)
    if total > LAST:
        raise InvalidInput.field(pointer, f"{_shown(value)} is too long; expected at most 292 years")
    return total


def parse_range(start: str | int, end: str | int, now_ns: int, *, pointer: str = "") -> TimeRange:
    """The range ``[start, end)`` of a request's ``from`` and ``to``, whose fields lie under ``pointer``."""
    first = parse_time(start, now_ns, pointer=f"{pointer}/from")
    last = parse_time(end, now_ns, pointer=f"{pointer}/to")
    if first >= last:
        raise InvalidInput.field(
            f"{pointer}/from", f"{_shown(start)} is not before to = {_shown(end)}; ranges are [from, to)"
        )
    return TimeRange(first, last)


def format_time(time_ns: int) -> str:
    """RFC 3339 in UTC with nine digits, e.g. ``2026-11-05T10:00:00.000000000Z``."""
    seconds, nanos = divmod(time_ns, SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z"


def format_times(column: Any) -> Any:
    """An Arrow array (or chunked array) of timestamps as strings like :func:`format_time`'s; nulls stay null."""
    naive = pc.cast(column, pa.timestamp("ns"))
    return pc.strftime(naive, format="%Y-%m-%dT%H:%M:%SZ")


def format_duration(duration_ns: int) -> str:
    """The shortest single-unit form: ``300s`` is ``5m``, ``90s`` stays ``90s``."""
    for unit in ("d", "h", "m", "s", "ms", "us"):
        if duration_ns and duration_ns % UNITS[unit] == 0:
            return f"{duration_ns // UNITS[unit]}{unit}"
    return f"{duration_ns}ns"


def _relative(text: str, now_ns: int) -> int | None:
    match = _RELATIVE.fullmatch(text)
    if match is None:
        return None
    result = now_ns
    for step in _EACH_STEP.finditer(match[1]):
        result += _total(step[2]) if step[1] == "+" else -_total(step[2])
    return result


def _total(duration: str) -> int:
    parts = (Decimal(amount) * UNITS[unit] for amount, unit in _EACH_PART.findall(duration))
    return int(sum(parts, Decimal(0)))


def _rfc3339(text: str) -> int | None:
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    day, clock, second, fraction, _, sign, hours, minutes = match.groups()
    # RFC 3339 writes a leap second as :60; it is the next minute's first instant in POSIX time.
    leap = second == "60"
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}:{'59' if leap else second}+00:00")
    except ValueError:
        return None
    since = moment - _EPOCH
    nanos = (since.days * 86400 + since.seconds + leap) * SECOND + int((fraction or "0")[:9].ljust(9, "0"))
    if sign:
        if int(hours) > 23 or int(minutes) > 59:
            return None
        offset = (int(hours) * 3600 + int(minutes) * 60) * SECOND
        nanos += -offset if sign == "+" else offset
    return nanos


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."

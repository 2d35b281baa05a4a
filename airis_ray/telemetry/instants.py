"""Times as other systems write them; :mod:`airis_ray.telemetry.times` is strict about what our own callers send."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.times import LAST, SECOND, parse_time

_ISO: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?\s*(?:[Zz]|UTC|([+-]\d\d):?(\d\d)?)?)?",
    re.ASCII,
)
_NUMBER: Final = re.compile(r"\d{1,20}(?:\.\d*)?(?:[eE]\+?\d\d?)?", re.ASCII)
_SECONDS_BELOW: Final = 10**11
"""A number below it counts seconds (until the year 5138), one below a thousand times it milliseconds, and so on."""


def iso(text: str) -> int | None:
    """Nanoseconds since 1970 of an ISO 8601 time; one without an offset is in UTC. None for what is none."""
    match = _ISO.fullmatch(text.strip())
    if match is None:
        return None
    day, clock, second, fraction, hours, minutes = match.groups()
    offset = f"{hours}:{minutes or '00'}" if hours else "Z"
    dot = f".{fraction}" if fraction else ""
    try:
        return parse_time(f"{day}T{clock or '00:00'}:{second or '00'}{dot}{offset}", 0)
    except InvalidInput:
        return None


def epoch(value: Any, unit_ns: int) -> int | None:
    """Nanoseconds since 1970 of a number of units of ``unit_ns``, which may come as a string; None for what is none
    and for what is after 2262."""
    number = _number(value)
    if number is None:
        return None
    found = number * unit_ns
    return int(found) if found <= LAST else None


def any_epoch(value: Any) -> int | None:
    """Like :func:`epoch`, of seconds, milliseconds, microseconds or nanoseconds: its size says which."""
    number = _number(value)
    if number is None:
        return None
    unit_ns = SECOND
    while number >= _SECONDS_BELOW * (SECOND // unit_ns) and unit_ns > 1:
        unit_ns //= 1000
    return epoch(value, unit_ns)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = value.strip() if isinstance(value, str) else repr(value)
    return Decimal(text) if _NUMBER.fullmatch(text) else None

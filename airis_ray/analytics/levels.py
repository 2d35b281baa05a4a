"""The level of a log record: one of six, out of a text that everybody spells in another way and a number.

The text decides where it is a known spelling, because it is what a reader sees; else the number, by the ranges of
OpenTelemetry's data model; else the text stays as it is, in lower case.
"""

from __future__ import annotations

from typing import Final

from airis_ray.analytics.sql import Sql, any_of, join, sql

LEVELS: Final = ("trace", "debug", "info", "warn", "error", "fatal")
"""From the mildest to the worst; the n-th has the severity numbers 4n+1 to 4n+4."""

LEVEL_COLUMNS: Final = frozenset({"SeverityText", "SeverityNumber"})
"""The columns that decide it."""

_SPELLINGS: Final = {
    "trace": ("trace", "verbose", "finest"),
    "debug": ("debug", "dbug", "dbg"),
    "info": ("info", "information", "informational"),
    "warn": ("warn", "warning", "wrn"),
    "error": ("error", "err", "severe"),
    "fatal": ("fatal", "critical", "crit", "emergency", "emerg", "panic"),
}
_NUMBERED: Final = {level: (level, *(f"{level}{n}" for n in (2, 3, 4))) for level in LEVELS}
_LEVEL_OF: Final = {
    spelling: level for level in LEVELS for spelling in (*_NUMBERED[level], *_SPELLINGS[level])
}


def _literal(word: str) -> Sql:
    return Sql(f"'{word}'")


def _list(words: tuple[str, ...]) -> Sql:
    return sql("({})", join(", ", [_literal(word) for word in words]))


_LOWER: Final = Sql("lower(SeverityText)")
_KNOWN: Final = _list(tuple(_LEVEL_OF))


def canonical(spelling: str) -> str | None:
    """``warn`` for ``WARNING``; None for what is no level's name."""
    return _LEVEL_OF.get(spelling.lower())


def is_level(*levels: str) -> Sql:
    """The condition that a record's level is one of these (of LEVELS)."""
    spelled = tuple(spelling for spelling, level in _LEVEL_OF.items() if level in levels)
    ranges = [Sql(f"SeverityNumber BETWEEN {first} AND {first + 3}") for first in map(_first, levels)]
    return sql("({} IN {} OR ({} NOT IN {} AND {}))", _LOWER, _list(spelled), _LOWER, _KNOWN, any_of(ranges))


def level_value() -> Sql:
    """The level as a string: one of LEVELS, another text in lower case, or empty where nothing is known."""
    by_text = [
        sql(
            "{} IN {}, {}",
            _LOWER,
            _list(tuple(s for s, of in _LEVEL_OF.items() if of == level)),
            _literal(level),
        )
        for level in LEVELS
    ]
    by_number = [
        sql("{}, {}", Sql(f"SeverityNumber BETWEEN {_first(level)} AND {_first(level) + 3}"), _literal(level))
        for level in LEVELS
    ]
    return sql("multiIf({}, {})", join(", ", [*by_text, *by_number]), _LOWER)


def level_rank() -> Sql:
    """1 for trace to 6 for fatal, 0 for what is no level."""
    return sql("indexOf([{}], {})", join(", ", [_literal(level) for level in LEVELS]), level_value())


def _first(level: str) -> int:
    return 4 * LEVELS.index(level) + 1

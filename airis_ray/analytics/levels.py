"""The level of a log record: one of six, out of a text that everybody spells in another way and a number.

The text decides where it is a known spelling, because it is what a reader sees; else the number, by the ranges of
OpenTelemetry's data model; else the text stays as it is, in lower case.
"""

from __future__ import annotations

from typing import Final

from airis_ray.analytics.sql import Sql, any_of, join, sql
from airis_ray.telemetry.severity import LEVELS, SPELLINGS

LEVEL_COLUMNS: Final = frozenset({"SeverityText", "SeverityNumber"})
"""The columns that decide it."""


def _literal(word: str) -> Sql:
    return Sql(f"'{word}'")


def _list(words: tuple[str, ...]) -> Sql:
    return sql("({})", join(", ", [_literal(word) for word in words]))


_LOWER: Final = Sql("lower(SeverityText)")
_KNOWN: Final = _list(tuple(spelling for spellings in SPELLINGS.values() for spelling in spellings))


def is_level(*levels: str) -> Sql:
    """The condition that a record's level is one of these (of LEVELS)."""
    spelled = tuple(spelling for level in LEVELS if level in levels for spelling in SPELLINGS[level])
    ranges = [Sql(f"SeverityNumber BETWEEN {first} AND {first + 3}") for first in map(_first, levels)]
    return sql("({} IN {} OR ({} NOT IN {} AND {}))", _LOWER, _list(spelled), _LOWER, _KNOWN, any_of(ranges))


def level_value() -> Sql:
    """The level as a string: one of LEVELS, another text in lower case, or empty where nothing is known."""
    by_text = [
        sql(
            "{} IN {}, {}",
            _LOWER,
            _list(SPELLINGS[level]),
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

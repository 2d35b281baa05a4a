"""The six levels of log records, and how they are spelled."""

from __future__ import annotations

from typing import Final

LEVELS: Final = ("trace", "debug", "info", "warn", "error", "fatal")
"""From the mildest to the worst; the n-th has the severity numbers 4n+1 to 4n+4 of OpenTelemetry's data model."""

_SPELLINGS: Final = {
    "trace": ("trace", "verbose", "finest"),
    "debug": ("debug", "dbug", "dbg"),
    "info": ("info", "information", "informational"),
    "warn": ("warn", "warning", "wrn"),
    "error": ("error", "err", "severe"),
    "fatal": ("fatal", "critical", "crit", "emergency", "emerg", "panic"),
}
_NUMBERED: Final = {level: (level, *(f"{level}{n}" for n in (2, 3, 4))) for level in LEVELS}

SPELLINGS: Final = {level: (*_NUMBERED[level], *_SPELLINGS[level]) for level in LEVELS}
"""Level → every spelling of it, in lower case, those of the data model (``warn2``) first."""

_LEVEL_OF: Final = {spelling: level for level, spellings in SPELLINGS.items() for spelling in spellings}
_NUMBERS: Final = {
    **{spelling: 4 * LEVELS.index(level) + 1 for spelling, level in _LEVEL_OF.items()},
    **{f"{level}{n}": 4 * LEVELS.index(level) + n for level in LEVELS for n in (2, 3, 4)},
    "notice": 10,  # syslog's, as OpenTelemetry's data model maps it
    "alert": 19,
    "exception": 17,
    "failure": 17,
}


def canonical(spelling: str) -> str | None:
    """``warn`` for ``WARNING``; None for what is no level's name."""
    return _LEVEL_OF.get(spelling.lower())


def severity_number(spelling: str) -> int:
    """The severity number (1 to 24) of a level's name in any spelling; 0 for what is none."""
    return _NUMBERS.get(spelling.strip().lower(), 0)

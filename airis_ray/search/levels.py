"""Levels of logs and classes of status codes."""

from __future__ import annotations

from typing import Final

from airis_ray.search.meaning import LEVELS, Clause
from airis_ray.search.quantities import STATUS_KEY
from airis_ray.search.reading import Reading
from airis_ray.search.tokens import Piece

_LEVEL: Final = ("level", "레벨", "severity", "수준")


def read_levels(reading: Reading) -> None:
    """``WARN 이상``, ``error and above``, and the levels named alone."""
    meaning = reading.meaning
    for place, unit in enumerate(reading.units):
        beside = any(reading.unit(place + step).has("level") for step in (-2, 2))
        if unit.key in ("trace", "트레이스") and beside and reading.free(place):
            reading.add(Clause("level", "=", ("trace",), at=place), place)
    for place in reading.places("level"):
        level = str(reading.unit(place).value("level"))
        op_at = place + 1
        while reading.unit(op_at).particle or reading.unit(op_at).key in (
            "level",
            "레벨",
            "등급",
            "수준",
            "severity",
            "로그",
            "logs",
        ):
            op_at += 1
        op = reading.unit(op_at).value("compare") if reading.free(op_at) else None
        before = reading.before(place, reach=2)
        if op is None and reading.free(before) and reading.unit(before).value("compare") not in (None, "="):
            op, op_at = reading.unit(before).value("compare"), before  # at least warn
        numbered = reading.unit(op_at + 1).piece is Piece.NUMBER
        at = LEVELS.index(level)
        values: tuple[str, ...] = (level,)
        used = [place]
        if reading.unit(place + 1).key in _LEVEL and not reading.unit(place + 2).has("group"):
            used.append(place + 1)
        if op and not numbered:
            values = {">=": LEVELS[at:], ">": LEVELS[at + 1 :], "<=": LEVELS[: at + 1], "<": LEVELS[:at]}.get(
                op, (level,)
            )
            used.append(op_at)
        elif level == "error" and meaning.signal == "logs" and not _named(reading, place):
            values = ("error", "fatal")
        reading.add(Clause("level", "=", tuple(values), at=place), *used)


def _named(reading: Reading, place: int) -> bool:
    """Whether a level is named as one: ``ERROR 레벨``, ``level error``, ``severity=ERROR``."""
    return (
        reading.unit(place + 1).key in _LEVEL
        or reading.unit(place - 1).key in _LEVEL
        or reading.unit(place - 1).key == "="
    )


def read_status_classes(reading: Reading) -> None:
    """``5xx``, ``4xx 응답``: a hundred of status codes."""
    for place, unit in enumerate(reading.units):
        if unit.piece is Piece.CLASS and reading.free(place):
            hundred = unit.key[0]
            reading.add(Clause(STATUS_KEY, "range", (f"{hundred}00", f"{hundred}99"), at=place), place)
            for near in (place + 1, place - 1):
                if reading.unit(near).has("level", "error") or reading.unit(near).key in (
                    "code",
                    "codes",
                    "코드",
                    "status",
                ):
                    reading.use(near)

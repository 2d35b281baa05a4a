"""What a question leaves out: 빼고, 말고, except, without, any service but."""

from __future__ import annotations

from typing import Final

from airis_ray.search.meaning import Clause
from airis_ray.search.reading import Reading
from airis_ray.search.tokens import Piece
from airis_ray.search.units import Unit

_JOINING: Final = frozenset(
    {"와", "과", "랑", "이랑", "하고", "및", "and", "or", ",", "/", "또는", "나", "이나", "&"}
)


def read_negation(reading: Reading) -> None:
    """빼고 and 말고 negate what stands before them, except and without what follows."""
    for place in (*reading.places("not"), *_but(reading)):
        unit = reading.unit(place)
        found = _left(reading, place) if unit.piece is Piece.HANGUL else _right(reading, place)
        if not found:
            continue
        clauses = reading.meaning.clauses
        for number, clause in enumerate(clauses):
            if clause.at in found:
                clauses[number] = Clause(
                    clause.field, clause.op, clause.values, not clause.negated, clause.at
                )
        reading.use(place)


def _but(reading: Reading) -> list[int]:
    """``any service but payment``: where "but" leaves something out."""
    return [
        place
        for place, unit in enumerate(reading.units)
        if unit.key == "but"
        and reading.free(place)
        and (reading.unit(place - 1).has("signal", "services") or reading.unit(place - 1).has("every"))
    ]


def _left(reading: Reading, place: int) -> set[int]:
    said = {clause.at for clause in reading.meaning.clauses}
    found: set[int] = set()
    at = place - 1
    while at >= 0:
        if at in said:
            found.add(at)
            before = at - 1
            while (
                before >= 0 and reading.unit(before).piece is Piece.SIGN and reading.unit(before).key != ","
            ):
                before -= 1
            joined = reading.unit(before).key in _JOINING or (
                reading.unit(before).particle and reading.unit(before).key in _JOINING
            )
            if not joined:
                break
            at = before - 1
            continue
        if reading.unit(at).has("order"):  # 느린 순 말고: the order is what is not wanted
            return set()
        if not (reading.little(at) or reading.unit(at).has("signal") or at in reading.used) or len(found):
            break
        at -= 1
    return found


def _right(reading: Reading, place: int) -> set[int]:
    said = {clause.at for clause in reading.meaning.clauses}
    found: set[int] = set()
    at = place + 1
    while at < len(reading.units) and at not in reading.times.used:
        unit = reading.unit(at)
        if at in said:
            found.add(at)
        elif unit.key in _JOINING and found:
            if unit.key == "," and reading.unit(at + 1).key not in ("and", "or") and at + 1 not in said:
                break
        elif found and not (at in reading.used and unit.names) and _ends_list(unit):
            break
        at += 1
        if at - place > 8 or (found and reading.unit(place).key == "non"):  # non-production errors
            break
    return found


def _ends_list(unit: Unit) -> bool:
    return unit.has("signal") or unit.has("near") or unit.piece is Piece.SIGN

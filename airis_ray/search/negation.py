"""What a question leaves out: 빼고, 말고, except, without, any service but."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from airis_ray.search.lexicon import Sense
from airis_ray.search.meaning import Clause
from airis_ray.search.quantities import COUNTERS, MONEY, PIECES, TIME_UNITS
from airis_ray.search.reading import Reading
from airis_ray.search.tokens import Piece

_JOINING: Final = frozenset(
    {"와", "과", "랑", "이랑", "하고", "및", "and", "or", ",", "/", "또는", "나", "이나", "&"}
)
_CLOSED: Final = ("measure", "trend", "order", "group")
_AT_LEAST: Final = ("이상한", "이상하", "이상해", "이상했")
"""Joined out of 이상 and 하다; 이상징후 after a number stays what it is."""
_COUNTED: Final = frozenset({*TIME_UNITS, *COUNTERS, *PIECES, *MONEY, "%", "퍼센트", "프로"})
"""What 이상 compares where it stands behind one of these: 3번 이상."""
_MESSAGE: Final = ("메시지", "message", "messages")
_DETECTED: Final = ("감지", "탐지", "발견", "포착")


def read_negation(reading: Reading) -> None:
    """빼고 and 말고 negate what stands before them, except and without what follows."""
    for place in (*reading.places("not"), *_but(reading)):
        unit = reading.unit(place)
        found = _left(reading, place) if unit.piece is Piece.HANGUL else _right(reading, place)
        if unit.piece is Piece.HANGUL and unit.key.startswith("말"):
            found = _contrasted(reading, place) or found
        clauses = reading.meaning.clauses
        if unit.key in ("안", "않", "못", "못하", "못한") and any(
            clause.at in found and clause.field == "" for clause in clauses
        ):
            continue  # 발송이 안 된 로그: logs tell what failed, in words of their own
        if not found:
            continue
        for number, clause in enumerate(clauses):
            if clause.at in found:
                clauses[number] = Clause(
                    clause.field, clause.op, clause.values, not clause.negated, clause.at
                )
        reading.use(place)


def discard(reading: Reading) -> None:
    """``평균 말고``, ``비교가 아니라``: a word of the grammar that is not asked for is left out."""
    for place in reading.places("not"):
        if not reading.unit(place).key.startswith(("말", "아니")):
            continue
        at = reading.before(place)
        unit = reading.unit(at)
        if at < 0 or unit.names or not any(unit.has(kind) for kind in _CLOSED):
            continue
        reading.units[at] = replace(unit, senses=(Sense("filler", "filler"),))
        reading.use(place, at)


def untangle(reading: Reading) -> None:
    """Words that are something else beside their neighbours: ``3번 이상 한`` compares, ``different users`` counts."""
    for place, unit in enumerate(reading.units):
        at = place - 1
        while reading.unit(at).particle:
            at -= 1
        before, after = reading.unit(at), reading.unit(place + 1)
        if unit.key.startswith(_AT_LEAST) and unit.has("signal", "anomalies"):
            if before.key in COUNTERS | MONEY | TIME_UNITS.keys() or before.piece is Piece.NUMBER:
                reading.units[place] = replace(unit, key="이상", senses=(Sense("compare", ">="),))
        elif unit.key == "이상" and _amiss(reading, place):
            reading.units[place] = replace(unit, senses=(Sense("signal", "anomalies"),))
        elif unit.key == "different" and after.name("key") and not after.name("metric"):
            reading.units[place] = replace(unit, senses=(Sense("measure", "uniq"),))
        elif unit.key == "수" and after.key.startswith(("있", "없")) and place and not unit.glued:
            reading.units[place] = replace(unit, senses=(Sense("filler", "filler"),))  # 볼 수 있나
        elif unit.key in _MESSAGE and after.has("signal", "services"):
            reading.units[place] = replace(unit, senses=())  # 메시지 서비스: a name
        elif unit.key in _MESSAGE and _carried(reading, place):
            reading.units[place] = replace(unit, senses=(Sense("filler", "filler"),))


def _carried(reading: Reading, place: int) -> bool:
    """Whether a message is what a queue carries and not what a log says: 메시지 큐 깊이, 메시지 처리 시간."""
    after = reading.unit(place + 1)
    rows = after.has("signal", "requests") or after.has("signal", "spans")
    metric = after.name("metric")
    return rows or after.has("duration") or (metric is not None and not after.has("measure"))


def _amiss(reading: Reading, place: int) -> bool:
    """``이상 있었나``, ``감지된 이상``: 이상 that compares nothing."""
    before, after = reading.unit(place - 1), reading.unit(place + 1)
    if before.has("level") or before.piece is Piece.NUMBER or before.key in _COUNTED:
        return False
    if before.key.startswith(_DETECTED):
        reading.use(place - 1)
        return True
    return after.key.startswith(("있", "없", *_DETECTED))


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
            while at in reading.used and at not in said:  # info 레벨과 debug 레벨은
                at -= 1
            continue
        if reading.unit(at).has("order"):  # 느린 순 말고: the order is what is not wanted
            return set()
        if not (reading.little(at) or reading.unit(at).has("signal") or at in reading.used) or len(found):
            break
        at -= 1
    return found


def _contrasted(reading: Reading, place: int) -> set[int]:
    """``A 말고 B``: of what stands on the left, the one that is of the same field as what stands on the right."""
    clauses = sorted(reading.meaning.clauses, key=lambda clause: clause.at)
    right = next((clause for clause in clauses if place < clause.at <= place + 4), None)
    same = [clause for clause in clauses if right and clause.at < place and clause.field == right.field != ""]
    if not same or place - same[-1].at > 10:
        return set()
    return {clause.at for clause in same}


def _right(reading: Reading, place: int) -> set[int]:
    """The clause that follows, and those that are joined to it: a list ends where neither a joining word nor a
    value of the same field goes on."""
    clauses = {clause.at: clause for clause in reading.meaning.clauses}
    found: set[int] = set()
    joined = "and"
    field = ""
    for at in range(place + 1, min(place + 10, len(reading.units))):
        if at in reading.times.used:
            break
        unit = reading.unit(at)
        clause = clauses.get(at)
        if clause is not None:
            if found and not (joined and (clause.field == field or joined != ",")):
                break
            found.add(at)
            field, joined = clause.field, ""
            if reading.unit(place).key == "non":  # non-production errors
                break
        elif unit.key in _JOINING and found:
            joined = unit.key
        elif (not found and at - place > 6) or (found and not joined and not _goes_on(reading, at)):
            break
    return found


def _goes_on(reading: Reading, at: int) -> bool:
    """Whether a word belongs to the clause before it: its key, or what it is called."""
    unit = reading.unit(at)
    return at in reading.used and (bool(unit.names) or unit.has("signal"))

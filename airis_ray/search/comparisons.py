"""Numbers that are compared with something, equal something, or limit the answer."""

from __future__ import annotations

from typing import Final

from airis_ray.search.compared import field_after, field_before, implied, is_duration
from airis_ray.search.meaning import Clause
from airis_ray.search.numerals import Number, number_at
from airis_ray.search.quantities import (
    COUNTERS,
    STATUS_CODES,
    STATUS_KEY,
    STATUS_NAMES,
    STATUS_WORDS,
)
from airis_ray.search.reading import Reading
from airis_ray.search.tokens import Piece

_HUNDREDS: Final = frozenset({"번대", "대"})
_FLIPPED: Final = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}


def read_numbers(reading: Reading) -> None:
    """Every number that is no time."""
    place = 0
    while place < len(reading.units):
        number = number_at(reading, place)
        if number is None:
            place += 1
            continue
        between = _between(reading, number)
        if between is not None:
            place = between
            continue
        if not (_compared(reading, number) or _equal(reading, number)):
            _limit(reading, number)
        place = number.last + 1


def _between(reading: Reading, number: Number) -> int | None:
    """``100ms에서 500ms 사이``, ``between 100 and 500 ms``, ``500~599``."""
    join = number.last + 1
    while reading.unit(join).particle and reading.unit(join).key not in ("에서", "부터"):
        join += 1
    word = reading.unit(join).key
    if word not in ("~", "-", "–", "에서", "부터", "and", "to", "〜", "～"):
        return None
    opened = reading.unit(number.first - 1).key in ("between", "from")
    if word == "and" and not opened:
        return None
    second = number_at(reading, join + 1)
    if second is None or (word == "to" and not (opened or _measured(reading, second))):
        return None
    low, high = number.value, second.value
    if second.kind == "time" and number.kind == "":
        low += "".join(char for char in high if char.isalpha())
    field = field_before(reading, number.first) or (
        field_after(reading, second.last) if second.kind == "" else None
    )
    name = field[0] if field else ("duration" if second.kind == "time" else implied(reading, second.kind))
    if name is None:
        return None
    reading.use(
        *range(number.first, second.last + 1),
        *((field[1],) if field else ()),
        *((number.first - 1,) if opened else ()),
    )
    reading.add(Clause(name, "range", (low, high), at=number.first))
    return second.last + 1


def _measured(reading: Reading, number: Number) -> bool:
    """Whether a number says itself of what it is: ``3 to 6 cart items``, ``100 to 300 ms``."""
    return number.kind == "time" or field_after(reading, number.last) is not None


def _compared(reading: Reading, number: Number) -> bool:
    found = _operator(reading, number)
    if found is None:
        return False
    op, at = found
    field = field_before(reading, min(number.first, at)) or field_after(reading, max(number.last, at))
    if field is None and at > number.last:
        field = field_after(reading, number.last)
    if (
        number.kind == "time"
        and field is not None
        and field[0] != "duration"
        and not is_duration(reading, field[0])
    ):
        field = None
    name = field[0] if field else "duration" if number.kind == "time" else implied(reading, number.kind)
    if name is None and _is_status(reading, number):
        name = STATUS_KEY
    if name is None:
        if reading.meaning.signal == "metrics":  # which pods are over 90 %: each of them, to be looked at
            _ranked_by(reading, number, at)
        return False
    denied = _denied(reading, at)
    if denied is not None:
        op = _FLIPPED.get(op, op)
        reading.use(denied)
    used = [*range(number.first, number.last + 1), at, *((field[1],) if field else ())]
    reading.add(Clause(name, op, (number.value,), at=number.first), *used)
    return True


def _ranked_by(reading: Reading, number: Number, at: int) -> None:
    for place in (reading.after(max(number.last, at)), reading.before(number.first)):
        name = reading.name(place, ("key",)) if reading.free(place) else None
        if name is not None and name.weight >= 0.9 and not reading.unit(place).name("metric"):
            reading.meaning.group.append(name.value)
            reading.use(place)
            return


def _denied(reading: Reading, at: int) -> int | None:
    """Where a comparison is denied: 넘지 않는, 안 넘는, not over."""
    near = [at + 1, at - 1]
    near += [at + 2] if reading.little(at + 1) else []  # 1초 안에 응답 못한
    for place in near:
        if reading.unit(place).key in ("않", "안", "못", "못하", "못한", "not") and reading.free(place):
            return place
    return None


def _operator(reading: Reading, number: Number) -> tuple[str, int] | None:
    """The comparison of a number: behind it in Korean (``500ms 넘는``), before it in English (``over 500ms``)."""
    at = number.last + 1
    while reading.unit(at).particle or reading.unit(at).key in (
        "안",
        "정도",
        "개",
        "건",
        "번",
        "회",
        "명",
        "or",
        "원",
    ):
        if reading.unit(at).has("compare"):
            break
        at += 1
    if reading.free(at):
        op = reading.unit(at).value("compare")
        korean = reading.unit(at).piece is Piece.HANGUL
        if op and (korean or reading.unit(at).key.startswith(("or ", "and "))) and op != "=":
            return op, at
        if reading.unit(at).key == "+" and reading.unit(at).glued:
            return ">=", at
        if reading.unit(at - 1).key == "보다" and reading.unit(at).has("order"):
            return _by_order(str(reading.unit(at).value("order"))), at
    before = number.first - 1
    while reading.unit(before).key in ("the", "a", "than", "by", "of", "was", "is", "to"):
        before -= 1
    if reading.free(before):
        op = reading.unit(before).value("compare")
        if op:
            return op, before
    if (
        number.kind == "time"
        and reading.unit(at).has("duration")
        and reading.unit(at).key.startswith(("걸", "머", "지속", "체류"))
    ):
        return ">=", at
    return None


def _by_order(order: str) -> str:
    return "<" if order in ("fastest", "lowest") else ">"


def _equal(reading: Reading, number: Number) -> bool:
    """``status code 404``, ``상태코드 503``, ``404 에러``, ``cart items = 3``."""
    field = field_before(reading, number.first)
    numeric = (
        field is not None
        and (attribute := reading.catalog.attributes.get(field[0])) is not None
        and attribute.numeric
    )
    if field is not None and numeric and number.kind == "":
        op, values, last = _exactly(reading, number, field[0])
        reading.add(Clause(field[0], op, values, at=number.first), *range(number.first, last + 1), field[1])
        return True
    if not _is_status(reading, number):
        return False
    for step in (-2, -1, 1, 2):
        unit = reading.unit(number.first + step)
        if unit.key in STATUS_NAMES or (abs(step) == 1 and unit.has("status", "error")):
            reading.use(number.first + step)
    op, values, last = _exactly(reading, number, STATUS_KEY)
    reading.add(Clause(STATUS_KEY, op, values, at=number.first), *range(number.first, last + 1))
    return True


def _exactly(reading: Reading, number: Number, field: str) -> tuple[str, tuple[str, ...], int]:
    """What equals a number: the number itself, or the hundred of status codes that begins with it (500번대)."""
    following = reading.unit(number.last + 1)
    hundred = field == STATUS_KEY and following.key in _HUNDREDS and following.glued
    if hundred and number.value.endswith("00"):
        return "range", (number.value, f"{number.value[0]}99"), number.last + 1
    return "=", (number.value,), number.last


def _is_status(reading: Reading, number: Number) -> bool:
    """Whether a number is a status code, by its size and the words around it."""
    code = number.kind == "" and number.value.isdigit() and 100 <= int(number.value) <= 599
    if not code or reading.meaning.signal != "traces":
        return False
    near = [reading.unit(number.first + step) for step in (-2, -1, 1, 2)]
    if any(unit.key in STATUS_WORDS or unit.key in _HUNDREDS for unit in near) or near[2].has(
        "status", "error"
    ):
        return True
    if reading.any("measure", "share"):
        return int(number.value) >= 400
    beside = (reading.unit(number.first - 1), reading.unit(reading.after(number.last, reach=2)))
    if any(unit.has("not") for unit in beside) and not _counted(reading, number):
        return True  # that weren't 200
    return int(number.value) in STATUS_CODES and not _counted(reading, number)


def _limit(reading: Reading, number: Number) -> None:
    """``20개만``, ``top 3``, ``10 slowest``, ``first 50 rows``."""
    if (
        number.kind not in ("", "pieces")
        or not number.value.isdigit()
        or not 1 <= int(number.value) <= 10_000
    ):
        return
    following, before = reading.unit(number.first + 1), reading.unit(number.first - 1)
    if (
        _counted(reading, number)
        or number.kind == "pieces"
        or following.key in ("", ",", "만", "씩", "worst", "most", "error", "longest")
    ):
        reading.meaning.limit = int(number.value)
        if before.key == "last" and reading.meaning.signal == "logs":  # the last 15 warnings
            reading.meaning.order = ("Timestamp", True)
        reading.use(*range(number.first, number.last + 1))
        if following.key in COUNTERS:
            reading.use(number.first + 1)


def _counted(reading: Reading, number: Number) -> bool:
    """Whether a number says how many: by what stands behind it, or before."""
    following, before = reading.unit(number.first + 1), reading.unit(number.first - 1)
    counted = (
        following.key in COUNTERS
        or following.has("signal")
        or following.has("order")
        or following.has("superlative")
        or bool(following.names)
    )
    led = (
        before.has("superlative")
        or before.has("order")
        or before.key
        in ("first", "last", "limit", "just", "only", "처음", "me", "the", "위", "상위", "latest", "딱")
    )
    return counted or led

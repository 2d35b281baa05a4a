"""Numbers that are compared with something, equal something, or limit the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airis_ray.search import timewords
from airis_ray.search.meaning import LEVELS, Clause
from airis_ray.search.reading import Reading
from airis_ray.search.tokens import Piece

_TIME_UNITS: Final = {
    **dict.fromkeys(("ms", "밀리초", "밀리세컨드", "msec", "millisecond", "milliseconds", "millis"), "ms"),
    **dict.fromkeys(("us", "마이크로초", "microseconds", "µs"), "us"),
    **dict.fromkeys(("s", "초", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "분", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "시간", "hour", "hours"), "h"),
}
_MONEY: Final = frozenset({"원", "won", "krw", "만원", "달러", "dollars", "usd"})
_PIECES: Final = frozenset({"개", "items", "item", "개의", "가지", "products", "things", "품목"})
_COUNTERS: Final = frozenset({"개", "건", "줄", "개만", "건만", "개씩", "rows", "row", "results", "entries", "lines", "가지", "위", "명", "of", "번", "회"})
STATUS_KEY: Final = "http.response.status_code"
_FLIPPED: Final = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}


@dataclass(frozen=True)
class _Number:
    """A number with its unit: ``value`` as a clause writes it, ``kind`` time, money, pieces or nothing."""

    value: str
    kind: str
    first: int
    last: int


def read_levels(reading: Reading) -> None:
    """``WARN 이상``, ``error and above``, and the levels named alone."""
    meaning = reading.meaning
    for place in reading.places("level"):
        level = str(reading.unit(place).value("level"))
        op_at = place + 1
        while reading.unit(op_at).particle or reading.unit(op_at).key in ("level", "레벨", "등급", "수준", "severity", "로그", "logs"):
            op_at += 1
        op = reading.unit(op_at).value("compare") if reading.free(op_at) else None
        numbered = reading.unit(op_at + 1).piece is Piece.NUMBER
        at = LEVELS.index(level)
        values: tuple[str, ...] = (level,)
        used = [place]
        if op and not numbered:
            values = {">=": LEVELS[at:], ">": LEVELS[at + 1 :], "<=": LEVELS[: at + 1], "<": LEVELS[:at]}.get(op, (level,))
            used.append(op_at)
        elif level == "error" and meaning.signal == "logs" and not _named(reading, place):
            values = ("error", "fatal")
        reading.add(Clause("level", "=", tuple(values), at=place), *used)


def _named(reading: Reading, place: int) -> bool:
    """Whether a level is named as one: ``ERROR 레벨``, ``level error``, ``severity=ERROR``."""
    words = ("level", "레벨", "severity", "수준")
    return reading.unit(place + 1).key in words or reading.unit(place - 1).key in words or reading.unit(place - 1).key == "="


def read_numbers(reading: Reading) -> None:
    """Every number that is no time."""
    place = 0
    while place < len(reading.units):
        number = _number(reading, place)
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


def _number(reading: Reading, place: int) -> _Number | None:
    unit = reading.unit(place)
    if not reading.free(place) or unit.piece is not Piece.NUMBER:
        spelled = unit.key in timewords.NUMBERS and unit.piece is Piece.WORD and len(unit.key) > 2 and unit.key not in ("few", "one")
        if not (reading.free(place) and spelled):
            return None
        return _Number(str(timewords.NUMBERS[unit.key]), "", place, place)
    text, last = unit.key, place
    for word, factor in (("만", 10_000), ("천", 1000), ("백", 100), ("억", 10**8), ("k", 1000)):
        following = reading.unit(last + 1)
        if following.key in (word, word + "원") and following.glued:
            text = f"{float(text) * factor:.10g}"
            last += 1
            if following.key == word + "원":
                return _Number(text, "money", place, last)
    following = reading.unit(last + 1)
    if following.key in _TIME_UNITS and (last + 1) not in reading.times.used:
        return _Number(text + _TIME_UNITS[following.key], "time", place, last + 1)
    if following.key in _MONEY:
        return _Number(text, "money", place, last + 1)
    if following.key == "%":
        return _Number(f"{float(text) / 100:.10g}", "share", place, last + 1)
    if following.key in _PIECES and following.glued and following.piece is Piece.HANGUL:
        return _Number(text, "pieces", place, last + 1)
    return _Number(text, "", place, last)


def _between(reading: Reading, number: _Number) -> int | None:
    """``100ms에서 500ms 사이``, ``between 100 and 500 ms``, ``500~599``."""
    join = number.last + 1
    while reading.unit(join).particle and reading.unit(join).key not in ("에서", "부터"):
        join += 1
    word = reading.unit(join).key
    if word not in ("~", "-", "–", "에서", "부터", "and", "to", "〜", "～"):
        return None
    opened = reading.unit(number.first - 1).key in ("between", "from")
    if word in ("and", "to") and not opened:
        return None
    second = _number(reading, join + 1)
    if second is None:
        return None
    low, high = number.value, second.value
    if second.kind == "time" and number.kind == "":
        low += "".join(char for char in high if char.isalpha())
    field = _field_before(reading, number.first) or (_field_after(reading, second.last) if second.kind == "" else None)
    name = field[0] if field else ("duration" if second.kind == "time" else _implied(reading, second.kind))
    if name is None:
        return None
    reading.use(*range(number.first, second.last + 1), *((field[1],) if field else ()), *((number.first - 1,) if opened else ()))
    reading.add(Clause(name, "range", (low, high), at=number.first))
    return second.last + 1


def _compared(reading: Reading, number: _Number) -> bool:
    found = _operator(reading, number)
    if found is None:
        return False
    op, at = found
    field = _field_before(reading, min(number.first, at)) or _field_after(reading, max(number.last, at))
    if field is None and at > number.last:
        field = _field_after(reading, number.last)
    if number.kind == "time" and field is not None and field[0] != "duration" and not _is_duration(reading, field[0]):
        field = None
    name = field[0] if field else "duration" if number.kind == "time" else _implied(reading, number.kind)
    if name is None:
        return False
    negated = reading.unit(at + 1).has("not") or reading.unit(at).key.startswith("안")
    op = {"=": "="}.get(op, op)
    used = [*range(number.first, number.last + 1), at, *((field[1],) if field else ())]
    if reading.unit(at + 1).has("not") and reading.unit(at + 1).key in ("않는", "않은"):
        op, negated = _FLIPPED.get(op, op), False
    elif reading.unit(at).key.startswith("안"):
        negated = False
    reading.add(Clause(name, op, (number.value,), negated=False, at=number.first), *used)
    return True


def _operator(reading: Reading, number: _Number) -> tuple[str, int] | None:
    """The comparison of a number: behind it in Korean (``500ms 넘는``), before it in English (``over 500ms``)."""
    at = number.last + 1
    while reading.unit(at).particle or reading.unit(at).key in ("정도", "개", "건", "번", "회", "명", "or", "원"):
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
        if reading.unit(at).key == "보다" and reading.unit(at + 1).has("order"):
            return _by_order(str(reading.unit(at + 1).value("order"))), at + 1
    before = number.first - 1
    while reading.unit(before).key in ("the", "a", "than", "by", "of", "was", "is", "to"):
        before -= 1
    if reading.free(before):
        op = reading.unit(before).value("compare")
        if op:
            return op, before
    if number.kind == "time" and reading.unit(at).has("duration") and reading.unit(at).key.startswith("걸"):
        return ">=", at
    return None


def _by_order(order: str) -> str:
    return "<" if order in ("fastest", "lowest") else ">"


def _field_before(reading: Reading, place: int) -> tuple[str, int] | None:
    """What is compared, said on the left: the nearest, with only little words between."""
    at = place - 1
    steps = 0
    while at >= 0 and steps < 4 and (reading.little(at) or reading.unit(at).has("measure", "avg")) and reading.unit(at).key not in (",", "and", "or", "그리고", "또는"):
        at -= 1
        steps += 1
    return _field(reading, at)


def _field_after(reading: Reading, place: int) -> tuple[str, int] | None:
    at = place + 1
    while reading.unit(at).key in ("in", "of", "the", "total", "을", "를", "의", "이", "가"):
        at += 1
    return _field(reading, at)


def _field(reading: Reading, at: int) -> tuple[str, int] | None:
    unit = reading.unit(at)
    if not reading.free(at):
        return None
    if reading.meaning.signal == "sessions":
        named = unit.value("session") or ("errors" if unit.has("level", "error") else None) or ("duration" if unit.has("duration") else None)
        return (named, at) if named else None
    if unit.has("duration"):
        return "duration", at
    name = reading.name(at, ("key",))
    return (name.value, at) if name else None


def _implied(reading: Reading, kind: str) -> str | None:
    """The numeric attribute that money or pieces are of, where the tenant has one."""
    part = {"money": ("amount", "price", "total"), "pieces": ("items", "quantity")}.get(kind, ())
    for key, found in sorted(reading.catalog.attributes.items()):
        if found.numeric and key.rpartition(".")[2] in part:
            return key
    return None


def _is_duration(reading: Reading, key: str) -> bool:
    return "duration" in key or "time" in key or "latency" in key


def _equal(reading: Reading, number: _Number) -> bool:
    """``status code 404``, ``상태코드 503``, ``404 에러``, ``cart items = 3``."""
    field = _field_before(reading, number.first)
    numeric = field is not None and (attribute := reading.catalog.attributes.get(field[0])) is not None and attribute.numeric
    if field is not None and numeric and number.kind == "":
        reading.add(Clause(field[0], "=", (number.value,), at=number.first), *range(number.first, number.last + 1), field[1])
        return True
    code = number.kind == "" and number.value.isdigit() and 100 <= int(number.value) <= 599
    if not code or reading.meaning.signal != "traces":
        return False
    near = {reading.unit(number.first + step).key for step in (-2, -1, 1, 2)}
    said = {"http", "status", "code", "코드", "상태", "응답", "에러", "오류", "error", "errors", "response", "responses", "returning", "returned", "status code", "상태코드", "을", "를", "로", "으로", "s", "떨어진", "requests", "요청", "답한"}
    if near & said:
        for step in (-2, -1, 1, 2):
            unit = reading.unit(number.first + step)
            if unit.key in ("http", "status", "code", "코드", "상태", "에러", "오류", "error", "errors", "s", "status code", "상태코드"):
                reading.use(number.first + step)
        reading.add(Clause(STATUS_KEY, "=", (number.value,), at=number.first), number.first)
        return True
    return False


def _limit(reading: Reading, number: _Number) -> None:
    """``20개만``, ``top 3``, ``10 slowest``, ``first 50 rows``."""
    if number.kind not in ("", "pieces") or not number.value.isdigit() or not 1 <= int(number.value) <= 10_000:
        return
    following, before = reading.unit(number.first + 1), reading.unit(number.first - 1)
    counted = following.key in _COUNTERS or following.has("signal") or following.has("order") or following.has("superlative") or bool(following.names)
    led = before.has("superlative") or before.has("order") or before.key in ("first", "last", "limit", "just", "only", "처음", "me", "the", "위", "상위", "latest", "딱")
    if counted or led or number.kind == "pieces" or following.key in ("", ",", "만", "씩", "worst", "most", "error", "longest"):
        reading.meaning.limit = int(number.value)
        reading.use(*range(number.first, number.last + 1))
        if following.key in _COUNTERS:
            reading.use(number.first + 1)


def read_status_classes(reading: Reading) -> None:
    """``5xx``, ``4xx 응답``: a hundred of status codes."""
    for place, unit in enumerate(reading.units):
        if unit.piece is Piece.CLASS and reading.free(place):
            hundred = unit.key[0]
            reading.add(Clause(STATUS_KEY, "range", (f"{hundred}00", f"{hundred}99"), at=place), place)
            for near in (place + 1, place - 1):
                if reading.unit(near).has("level", "error") or reading.unit(near).key in ("code", "codes", "코드", "status"):
                    reading.use(near)

"""What the text of a row is to say: quoted phrases, words that the tenant's logs say, and words after "containing"."""

from __future__ import annotations

import re

from airis_ray.search.korean import HANGUL
from airis_ray.search.meaning import Clause
from airis_ray.search.reading import Reading
from airis_ray.search.sayings import concepts
from airis_ray.search.tokens import Piece
from airis_ray.search.units import Unit

_LONGEST = 8
"""Units of a phrase that is looked for in the logs' words."""
_IDENTIFIER = re.compile(r"[a-z][A-Z]|[A-Za-z]_[A-Za-z]|(?:Error|Exception)$")
"""A name out of a program: text of a log, whether or not one of the logs looked at says it."""
_EXCEPTION = re.compile(r"[a-z](?:Error|Exception)$")
_ONE_OF = re.compile(r"중\s*(?:에\s*)?하나")
"""A와 B 둘 중 하나: what Korean joins is a choice."""
_OR = frozenset({"or", "또는", "이나", "나", "혹은", "아니면"})


def read_quoted(reading: Reading) -> None:
    """Quoted words are a phrase of the text; of a key that stands before them they are the value."""
    for place, unit in enumerate(reading.units):
        if unit.piece is not Piece.QUOTED or not reading.free(place):
            continue
        before = reading.before(place)
        name = reading.name(before, ("key",)) if before >= 0 and reading.free(before) else None
        if name is not None and reading.meaning.signal != "logs":
            reading.add(Clause(name.value, "=", (unit.key,), at=place), place, before)
        elif (service := _service(reading, unit.key, place)) is not None:
            reading.add(Clause("service", "=", (service,), at=place), place)
        else:
            reading.add(_either(reading, unit.key, place), place)


def _service(reading: Reading, text: str, place: int) -> str | None:
    marked = reading.unit(place + 1).has("signal", "services") or reading.unit(place - 1).has(
        "signal", "services"
    )
    return text if marked and text in reading.catalog.services else None


def _either(reading: Reading, text: str, place: int) -> Clause:
    """A phrase, joined with the one before it where "or" stands between them."""
    clauses = reading.meaning.clauses
    join = place - 1
    while reading.unit(join).key in ("the", "로그", "logs"):
        join -= 1
    if (
        (reading.unit(join).key in _OR or (reading.unit(join).particle and _ONE_OF.search(reading.question)))
        and clauses
        and clauses[-1].field == ""
        and clauses[-1].at in (join - 1, join - 2, join - 3)
    ):
        before = clauses.pop()
        return Clause("", "=", (*before.values, text), at=before.at)
    return Clause("", "=", (text,), at=place)


def read_said(reading: Reading) -> None:
    """The longest sequences of words that some log says, of which no other reading is as good."""
    place = 0
    while place < len(reading.units):
        end = _longest(reading, place)
        if end is None and reading.free(place) and _thrown(reading.unit(place)):
            end = place
        if end is None:
            place += 1
            continue
        said = (text for text in _surfaces(reading, place, end) if reading.catalog.says(text))
        text = next(said, reading.unit(place).text)
        reading.add(_either(reading, text, place), *range(place, end + 1))
        place = end + 1


def _thrown(unit: Unit) -> bool:
    """Whether a word is an exception's name: logs tell it, whether or not those looked at do."""
    return unit.piece is Piece.WORD and _EXCEPTION.search(unit.text) is not None


def _longest(reading: Reading, first: int) -> int | None:
    if not _may_begin(reading, first):
        return None
    for last in range(min(first + _LONGEST, len(reading.units)) - 1, first - 1, -1):
        if last == first and _names_service(reading, first):
            continue
        if not all(_may_be(reading, at) for at in range(first, last + 1)) or not _tells(reading, first, last):
            continue
        if any(len(text) > 1 and reading.catalog.says(text) for text in _surfaces(reading, first, last)):
            return last
    return None


def _names_service(reading: Reading, place: int) -> bool:
    """Whether an unknown word is what a service is called (캠페인 서비스), whatever the logs say."""
    following = place + 1
    while reading.unit(following).particle and reading.unit(following).glued:
        following += 1
    called = reading.unit(following)
    return reading.unit(place).unknown and called.has("signal", "services") and not called.text.endswith("들")


def _may_begin(reading: Reading, place: int) -> bool:
    unit = reading.unit(place)
    if not reading.free(place) or unit.particle or unit.piece not in (Piece.WORD, Piece.HANGUL):
        return False
    return not (unit.has("filler") and not unit.has("not")) or unit.key in ("no", "out of", "out")


def _may_be(reading: Reading, place: int) -> bool:
    unit = reading.unit(place)
    if not reading.free(place) or unit.has("signal") or unit.piece in (Piece.QUOTED, Piece.SIGN):
        return False
    return not any(name.kind == "service" and name.weight == 1.0 for name in unit.names)


def _tells(reading: Reading, first: int, last: int) -> bool:
    """Whether a sequence is text rather than the grammar's own words."""
    units = reading.units[first : last + 1]
    if units[-1].particle or (_empty(units[-1]) and len(units) > 1):
        return False
    content = [unit for unit in units if not (unit.particle or _empty(unit))]
    if any(unit.unknown for unit in content):
        return len(content) > 1 or _weak(content[0])
    if len(content) == 1 and len(units) == 1:
        return _weak(content[0])
    known = all(
        unit.has("level") or unit.has("status") or unit.has("measure") or unit.has("group")
        for unit in content
    )
    return len(units) >= 2 and bool(content) and not known


def _empty(unit: Unit) -> bool:
    return (
        bool(unit.senses)
        and all(sense.kind in ("filler", "near", "contains") for sense in unit.senses)
        and not unit.names
    )


def _weak(unit: Unit) -> bool:
    """A single word that is at most a part of a metric's name or a value of an error."""
    if unit.senses or (len(unit.text) < 4 and unit.text.isascii() and unit.text.islower()):
        return False
    if any(name.kind == "service" or (name.kind == "key" and name.weight > 0.9) for name in unit.names):
        return False
    return all(
        name.kind == "metric"
        or name.key in ("error.type", "exception.type", "app.payment.decline_reason")
        or name.kind == "key"
        for name in unit.names
    )


def _surfaces(reading: Reading, first: int, last: int) -> list[str]:
    """The words as written, and without the ending of the last one."""
    texts = [" ".join(reading.words(first, last).split()), _surface(reading, first, last)]
    if first < last and HANGUL.search(texts[0]):  # 캐시미스, 한도 초과: spaces are no matter
        parts = [reading.unit(at).text for at in range(first, last + 1)]
        bare = parts[-1].removesuffix(reading.unit(last).tail)
        texts += [" ".join(parts), "".join(parts), " ".join([*parts[:-1], bare]), texts[1].replace(" ", "")]
    # A word that was corrected is looked for as it is written right: 타임아웃 is timeout.
    if first == last:
        key = reading.unit(first).key
        texts += [key, key.removesuffix("s")] if len(key) > 4 else [key]  # timeouts
    return texts


def _surface(reading: Reading, first: int, last: int) -> str:
    """The words as written, the last one without its ending."""
    end = reading.units[last]
    stop = end.start + len(end.text.rstrip()) - len(end.tail)
    return " ".join(reading.question[reading.units[first].start : stop].split())


def read_leftover(reading: Reading) -> None:
    """Unknown words of a question about logs: a phrase of the text where logs say so or the question does."""
    place = 0
    while place < len(reading.units):
        if not (reading.free(place) and reading.unit(place).unknown) or _names_service(reading, place):
            place += 1
            continue
        last = place
        while reading.free(last + 1) and reading.unit(last + 1).unknown:
            last += 1
        text = _surface(reading, place, last)
        words = [_surface(reading, at, at) for at in range(place, last + 1)]
        verbatim = reading.catalog.says(text) or _IDENTIFIER.search(text) is not None
        written = None if verbatim else _as_written(reading, place, last)
        if written is not None:
            reading.add(_either(reading, written, place), *range(place, last + 1))
        elif verbatim or _asked_for(reading, place, last):
            reading.add(_either(reading, text, place), *range(place, last + 1))
        elif len(words) > 1 and all(reading.catalog.says(word) for word in words):
            for at, word in zip(range(place, last + 1), words, strict=True):
                reading.add(Clause("", "=", (word,), at=at), at)
        place = last + 1


def _as_written(reading: Reading, first: int, last: int) -> str | None:
    """What the logs write for a thing that the question names in other words: ``retrying`` for 재시도."""
    end = last
    while reading.unit(end + 1).particle and reading.unit(end + 1).glued:
        end += 1
    said = reading.question[reading.units[first].start : reading.units[end].end].strip()
    for forms in concepts(said):
        if any(form.replace(" ", "") == said.replace(" ", "").lower() for form in forms):
            return next(
                (
                    form
                    for form in forms
                    if len(form) > 3 - 2 * bool(HANGUL.search(form)) and reading.catalog.says(form)
                ),
                None,
            )
    return None


def _asked_for(reading: Reading, first: int, last: int) -> bool:
    """Whether the question says that the text contains it: ``… 포함된``, ``containing …``."""
    after = reading.unit(last + 1 if not reading.unit(last + 1).particle else last + 2)
    before = reading.unit(first - 1)
    if before.key in ("the", "a") or before.has("contains"):
        before = reading.unit(first - 1) if before.has("contains") else reading.unit(first - 2)
    said = after.has("contains") and after.piece is Piece.HANGUL and after.key != "있는"
    return said or (before.has("contains") and before.piece is Piece.WORD and not before.has("near"))


def read_likeness(reading: Reading) -> None:
    """What logs are to be like, where it is not quoted: ``결제 실패와 비슷한 로그``, ``similar to disk full``."""
    if any(unit.piece is Piece.QUOTED for unit in reading.units):
        return
    at = next((n for n, unit in enumerate(reading.units) if unit.has("signal", "similar")), -1)
    korean = reading.unit(at).piece is Piece.HANGUL
    if not korean and reading.unit(at).key in ("similar", "alike") and reading.unit(at + 1).key != "to":
        return  # similar logs: like each other
    found: list[int] = []
    for place in range(at - 1, -1, -1) if korean else range(at + 1, len(reading.units)):
        empty = place in reading.times.used or reading.little(place) or reading.unit(place).has("signal")
        if not empty:
            found.append(place)
        elif found and place in reading.times.used:
            break
    if found:
        reading.meaning.text = _surface(reading, min(found), max(found))
        reading.use(*range(min(found), max(found) + 1))

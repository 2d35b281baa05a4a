"""Words that are nobody's become the nearest one: of the tenant's names, of the grammar's words, or of times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Final

from airis_ray.search import lexicon, timewords
from airis_ray.search.korean import HANGUL, distance, sound, vowels
from airis_ray.search.names import Names, by_letters
from airis_ray.search.reading import Reading
from airis_ray.search.tokens import Piece
from airis_ray.search.units import Unit

_TYPED: Final = frozenset({"signal", "measure", "level", "status", "duration", "order", "trend", "session"})
"""Words of these classes are looked for when an English word is mistyped; the others are too many and too short."""


def correct(reading: Reading) -> None:
    """Words that are nobody's become the nearest one: of the tenant's names, else of the grammar's own."""
    for place, unit in enumerate(reading.units):
        if not unit.unknown or place in reading.times.used or len(unit.key) < 2 or _is_time_word(unit):
            continue
        if reading.catalog.says(unit.text) and len(unit.text) > 1:
            continue
        near = reading.catalog.names.near(unit.key)
        if near and (unit.piece is Piece.WORD or len(unit.key) > 3 or _heard(unit.key, near[0].value)):
            reading.units[place] = replace(unit, names=near, key=near[0].value)
            reading.meaning.guesses.append((unit.text, near[0].value))
            continue
        word = _nearest_word(reading, unit)
        if word is not None:
            senses = lexicon.senses().get(word, ())
            reading.units[place] = replace(
                unit, key=word, senses=senses, names=reading.catalog.names.of_form(word)
            )
            reading.meaning.guesses.append((unit.text, word))


def _heard(word: str, name: str) -> bool:
    """Whether a short Korean word is a name as one hears it (첵아웃): a sound nearly the same is not enough."""
    return len(word) == 3 and len(sound(name)) >= 3 and sound(word) == sound(name)


def _is_time_word(unit: Unit) -> bool:
    return (
        unit.key in timewords.KOREAN
        or unit.key in timewords.LENGTHS
        or unit.key in timewords.PARTS
        or unit.key in timewords.SHORT
    )


def _nearest_word(reading: Reading, unit: Unit) -> str | None:
    if unit.piece is Piece.HANGUL:
        forms = [form for form in lexicon.senses() if HANGUL.match(form) and len(form) >= 2]
        own = [form for form in reading.catalog.names.korean if len(form) >= 2]
        if len(unit.key) >= 3:
            return by_letters(unit.key, {*forms, *own})
        alike = {form for form in (*forms, *own) if len(form) == 2 and vowels(form) == vowels(unit.key)}
        return alike.pop() if len(alike) == 1 else None
    if len(unit.key) < 4:
        return None
    listed = lexicon.senses().items()
    forms = [
        form
        for form, senses in listed
        if form.isalpha()
        and form.isascii()
        and len(form) >= 4
        and form[0] == unit.key[0]
        and senses[0].kind in _TYPED
    ]
    return by_letters(unit.key, forms)


def correct_times(units: list[Unit], names: Names) -> list[tuple[str, str]]:
    """Set right the mistyped words of time (``ystrday``, ``minuets``) in place; what was written and what it is."""
    guesses = []
    for place, unit in enumerate(units):
        if not unit.unknown or len(unit.key) < 2 or _is_time_word(unit):
            continue
        word = _nearest_time(unit)
        if word in (None, unit.key) or names.near(unit.key):
            continue
        units[place] = replace(unit, key=word, senses=lexicon.senses().get(word, ()))
        guesses.append((unit.text, word))
    return guesses


def _nearest_time(unit: Unit) -> str | None:
    if unit.piece is Piece.HANGUL:
        return by_letters(unit.key, _times()[1])
    limit = 0 if len(unit.key) < 5 else 1 if len(unit.key) < 7 else 2
    near = sorted((distance(unit.key, word, limit), word) for word in _times()[0] if word[0] == unit.key[0])
    return near[0][1] if limit and near and near[0][0] <= limit else None


@cache
def _times() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of time that are looked for when one is mistyped, of either script."""
    tables: tuple[Iterable[str], ...] = (
        timewords.DAYS, timewords.WEEKS, timewords.WEEKDAYS, timewords.PARTS, timewords.LENGTHS,
        timewords.MONTH_NAMES, timewords.MOMENTS, timewords.BACK,
    )  # fmt: skip
    words = {word for each in tables for word in each if " " not in word}
    english = tuple(sorted(word for word in words if word.isascii() and len(word) > 4))
    return english, tuple(sorted(word for word in words if HANGUL.match(word) and len(word) > 1))

"""The words of a question with all that each may mean: the input of the grammar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from airis_ray.search import lexicon, timewords
from airis_ray.search.korean import HANGUL
from airis_ray.search.lexicon import Sense
from airis_ray.search.names import Name, Names, fold
from airis_ray.search.segment import Dictionary, segment
from airis_ray.search.tokens import Piece, Token, scan

_LONGEST_RUN: Final = 6
"""Words that are looked up together."""


@dataclass(frozen=True)
class Unit:
    """A word, or several that mean something together. ``particle`` marks a Korean particle."""

    piece: Piece
    text: str
    key: str
    start: int
    end: int
    glued: bool
    senses: tuple[Sense, ...] = ()
    names: tuple[Name, ...] = ()
    particle: bool = False
    tail: str = ""

    def has(self, kind: str, value: str | None = None) -> bool:
        """Whether one of its senses is of this kind (and value)."""
        return any(sense.kind == kind and value in (None, sense.value) for sense in self.senses)

    def value(self, kind: str) -> str | None:
        """The value of its sense of this kind."""
        return next((sense.value for sense in self.senses if sense.kind == kind), None)

    def name(self, kind: str) -> Name | None:
        """Its surest name of this kind."""
        return next((name for name in self.names if name.kind == kind), None)

    @property
    def unknown(self) -> bool:
        """Whether nothing is known of it."""
        known = any(sense.kind != "topic" for sense in self.senses) or self.names or self.particle
        return self.piece in (Piece.WORD, Piece.HANGUL) and not known


@dataclass(frozen=True)
class _Words:
    """The Korean words of the grammar itself."""

    words: frozenset[str]
    inflected: frozenset[str]


@lru_cache(1)
def _korean() -> _Words:
    forms = {form for form in lexicon.senses() if HANGUL.search(form)} | set(timewords.KOREAN)
    return _Words(frozenset(forms), lexicon.inflected())


def units(question: str, names: Names) -> list[Unit]:
    """The words of a question, the longest known ones put together."""
    return _joined(_pieces(scan(question), names), names)


def _pieces(tokens: Sequence[Token], names: Names) -> list[Unit]:
    own = _korean()
    dictionary = Dictionary(_Union(own.words, names.korean), own.inflected)
    found: list[Unit] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind is not Piece.HANGUL:
            found.append(Unit(token.kind, token.text, token.key, token.start, token.end, token.glued))
            at += 1
            continue
        last = at
        while last + 1 < len(tokens) and tokens[last + 1].kind is Piece.HANGUL:
            last += 1
        found += _hangul(tokens[at : last + 1], dictionary)
        at = last + 1
    return found


def _hangul(tokens: Sequence[Token], dictionary: Dictionary) -> list[Unit]:
    first = tokens[0].start
    text = "".join(
        " " * (token.start - (tokens[n - 1].end if n else first)) + token.text
        for n, token in enumerate(tokens)
    )
    found: list[Unit] = []
    for part in segment(text, dictionary, glued=tokens[0].glued):
        glued = text[part.start - 1] != " " if part.start else tokens[0].glued
        surface = text[part.start : part.end]
        found.append(
            Unit(
                Piece.HANGUL,
                surface,
                part.form,
                first + part.start,
                first + part.end,
                glued,
                particle=part.cls == "particle",
                tail=surface.replace(" ", "")[len(part.form) :],
            )
        )
    return found


class _Union:
    """Two sets looked into as one, without being put together for each question."""

    def __init__(self, *sets: frozenset[str] | set[str]) -> None:
        self._sets = sets

    def __contains__(self, form: object) -> bool:
        return any(form in each for each in self._sets)


def _joined(pieces: Sequence[Unit], names: Names) -> list[Unit]:
    found: list[Unit] = []
    at = 0
    while at < len(pieces):
        unit, taken = _longest(pieces, at, names)
        found.append(unit)
        at += taken
    return found


def _longest(pieces: Sequence[Unit], at: int, names: Names) -> tuple[Unit, int]:
    first = pieces[at]
    if first.piece not in (Piece.WORD, Piece.HANGUL, Piece.PATH, Piece.SIGN, Piece.VERSION, Piece.CLASS):
        return first, 1
    for count in range(min(_LONGEST_RUN, len(pieces) - at), 0, -1):
        run = pieces[at : at + count]
        if any(unit.piece not in (Piece.WORD, Piece.HANGUL) for unit in run[1:]) or (
            count > 1 and run[-1].particle
        ):
            continue
        senses, known = _meanings(run, names)
        if senses or known:
            text = "".join(
                " " * (unit.start - (run[n - 1].end if n else unit.start)) + unit.text
                for n, unit in enumerate(run)
            )
            particle = first.particle and count == 1 and not known
            return (
                Unit(
                    first.piece,
                    text,
                    " ".join(unit.key for unit in run),
                    first.start,
                    run[-1].end,
                    first.glued,
                    senses,
                    known,
                    particle,
                    run[-1].tail,
                ),
                count,
            )
    return first, 1


def _meanings(run: Sequence[Unit], names: Names) -> tuple[tuple[Sense, ...], tuple[Name, ...]]:
    table = lexicon.senses()
    spaced = " ".join(unit.key for unit in run)
    packed = spaced.replace(" ", "")
    senses = table.get(spaced) or (table.get(packed, ()) if HANGUL.search(packed) else ())
    if not senses and len(run) == 1 and run[0].piece is Piece.WORD:
        senses = table.get(_singular(spaced), ())
    if len(run) > 1 and not any(unit.piece is Piece.WORD or unit.piece is Piece.HANGUL for unit in run):
        return (), ()
    if run[0].particle and len(run) == 1:
        return tuple(sense for sense in senses if sense.kind != "filler"), ()
    if len(run) > 1 and any(unit.particle for unit in run):
        return senses, ()
    known = names.of_form(packed) if len(fold(packed)) > 1 else ()
    if len(run) > 1 and run[0].piece is Piece.WORD and len(fold(packed)) < 3:
        known = ()
    return tuple(senses), known


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word

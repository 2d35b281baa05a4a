"""Hangul without its spaces taken for granted: words of a dictionary, particles, endings, and what is left.

The cheapest way through the syllables wins (a Viterbi path). Words may be written together (``체크아웃서비스에러로그``)
or apart (``응답 시간``); a verb of the dictionary takes any ending; an unknown word may carry a particle.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from airis_ray.search.wordlists import table

Class = Literal["word", "unknown", "particle"]


@dataclass(frozen=True)
class Segment:
    """A part of a Hangul stretch: ``form`` is the dictionary's, the places are in the stretch with its spaces."""

    form: str
    start: int
    end: int
    cls: Class


_ENDINGS: Final = table("common")["endings"]
PARTICLES: Final = frozenset(_ENDINGS["particles"].split())
_TAIL: Final = frozenset(_ENDINGS["letters"])
_NOUN_TAILS: Final = frozenset(_ENDINGS["nouns"].split())
_ADNOMINAL: Final = frozenset({"난", "났던", "된", "됐던", "한", "했던"})
"""Those that a noun follows, with or without a space: 캐시미스난로그."""
_SUFFIXES: Final = frozenset(_ENDINGS["suffixes"].split())
_LONGEST: Final = 12
_LONGEST_TAIL: Final = 7
_CROSSED: Final = 0.3
_MAX: Final = 400
"""Syllables of one stretch that are looked at."""


@dataclass(frozen=True)
class Dictionary:
    """The words to look for, and those of them that verbal endings may follow."""

    words: Container[str]
    inflected: Container[str]


@dataclass(frozen=True)
class _Step:
    cost: float
    back: int
    state: int
    segment: Segment | None


_START, _WORD, _UNKNOWN, _PARTICLE = range(4)
_Next = tuple[int, float, int, Segment | None]
"""Where a step ends, what it costs, the state it leads to, and what it read."""


class _Path:
    """One stretch: its syllables, and before which of them stood a space."""

    def __init__(self, text: str, dictionary: Dictionary, glued: bool) -> None:
        self.places = [n for n, char in enumerate(text) if char != " "][:_MAX]
        self.chars = "".join(text[n] for n in self.places)
        self.spaced = [n == 0 or self.places[n - 1] != place - 1 for n, place in enumerate(self.places)]
        self.dictionary = dictionary
        self.glued = glued

    def run(self) -> list[Segment]:
        size = len(self.chars)
        best: list[dict[int, _Step]] = [{} for _ in range(size + 1)]
        best[0][_START] = _Step(0.0, -1, -1, None)
        for at in range(size):
            for state, step in list(best[at].items()):
                for end, cost, to, segment in self._from(at, state):
                    total = step.cost + cost
                    if to not in best[end] or total < best[end][to].cost:
                        best[end][to] = _Step(total, at, state, segment)
        state = min(best[size], key=lambda each: best[size][each].cost)
        found: list[Segment] = []
        at = size
        while at > 0:
            step = best[at][state]
            if step.segment is not None:
                found.append(step.segment)
            at, state = step.back, step.state
        return found[::-1]

    def _from(self, at: int, state: int) -> Iterator[_Next]:
        inside = not self.spaced[at] or (at == 0 and self.glued)
        yield from self._words(at, state, inside)
        yield from self._unknown(at, state, inside)
        if (inside and state != _START) or (at == 0 and self.glued):
            yield from self._particles(at, state)
        elif self.spaced[at]:  # a particle set apart by mistake
            for end, cost, to, segment in self._particles(at, state):
                if end == len(self.chars) or self.spaced[end]:
                    yield end, cost + 1.6, to, segment

    def _words(self, at: int, state: int, inside: bool) -> Iterator[_Next]:
        crossed = 0
        for end in range(at + 1, min(at + _LONGEST, len(self.chars)) + 1):
            crossed += end - 1 > at and self.spaced[end - 1]
            form = self.chars[at:end]
            if form not in self.dictionary.words:
                continue
            whole = end == len(self.chars) or self.spaced[end]
            cost = 1.0 - 0.02 * len(form) + _CROSSED * crossed + (0.15 if inside else 0.0)
            if len(form) == 1:
                suffix = inside and (state != _START or self.glued) and form in _SUFFIXES
                cost += 0.0 if suffix else 0.3 if whole and not inside else 1.4
            elif state == _UNKNOWN and inside:
                cost += 0.4
            yield end, cost, _WORD, self._segment(form, at, end, "word")
            if form in self.dictionary.inflected and not crossed:
                yield from self._tails(form, at, end, cost)
            elif len(form) > 1:
                yield from self._noun_tails(form, at, end, cost + 0.5, _WORD)

    def _tails(self, form: str, at: int, end: int, cost: float) -> Iterator[_Next]:
        for last in range(end + 1, min(end + _LONGEST_TAIL, len(self.chars)) + 1):
            if self.spaced[last - 1] or self.chars[last - 1] not in _TAIL:
                return
            yield last, cost + 0.15 + 0.04 * (last - end), _WORD, self._segment(form, at, last, "word")

    def _unknown(self, at: int, state: int, inside: bool) -> Iterator[_Next]:
        if state == _UNKNOWN and inside:
            return
        for end in range(at + 1, min(at + _LONGEST, len(self.chars)) + 1):
            if end - 1 > at and self.spaced[end - 1]:
                return
            size = end - at
            cost = (
                3.0 + 0.9 * size + (1.6 if size == 1 else 0.0) + (0.5 if inside and state != _START else 0.0)
            )
            yield end, cost, _UNKNOWN, self._segment(self.chars[at:end], at, end, "unknown")
            if size >= 2:
                yield from self._noun_tails(self.chars[at:end], at, end, cost + 0.5, _UNKNOWN)

    def _noun_tails(self, form: str, at: int, end: int, cost: float, state: int) -> Iterator[_Next]:
        """What makes a verb of a noun and ends the word: 거절+된."""
        cls: Class = "word" if state == _WORD else "unknown"
        for last in range(end + 1, min(end + 6, len(self.chars)) + 1):
            if self.spaced[last - 1]:
                return
            ends = last == len(self.chars) or self.spaced[last]
            tail = self.chars[end:last]
            if tail in _NOUN_TAILS and (ends or (state == _UNKNOWN and tail in _ADNOMINAL)):
                yield last, cost + (0.0 if ends else 0.2), state, self._segment(form, at, last, cls)

    def _particles(self, at: int, state: int) -> Iterator[_Next]:
        for end in range(at + 1, min(at + 4, len(self.chars)) + 1):
            if end - 1 > at and self.spaced[end - 1]:
                return
            form = self.chars[at:end]
            if form in PARTICLES:
                chained = 0.25 if state == _PARTICLE else 0.0
                ends = end == len(self.chars) or self.spaced[end]
                cost = 0.35 + chained + (0.0 if ends else 0.35)
                yield end, cost, _PARTICLE, self._segment(form, at, end, "particle")

    def _segment(self, form: str, at: int, end: int, cls: Class) -> Segment:
        return Segment(form, self.places[at], self.places[end - 1] + 1, cls)


def segment(text: str, dictionary: Dictionary, *, glued: bool = False) -> list[Segment]:
    """The parts of a stretch of Hangul and spaces; ``glued`` says that it goes on a word in another script."""
    if not text.strip():
        return []
    return _Path(text, dictionary, glued).run()

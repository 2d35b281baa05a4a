"""The tenant's names by what people call them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from typing import TYPE_CHECKING, Final, Literal

from airis_ray.search.glosses import KEYS, PARTS, VALUES, WEAK
from airis_ray.search.korean import HANGUL, distance, letters, sound
from airis_ray.search.lexicon import senses

if TYPE_CHECKING:
    from airis_ray.search.catalog import Catalog

Kind = Literal["service", "key", "value", "metric"]

_COMBINATIONS: Final = 240
"""Ways of saying one name that are listed."""
_OF_CODE: Final = re.compile(r"(^|\.)(logger|function\.name|stacktrace|message|text|address|scope|path)$")
"""Keys whose values are pieces of code and sentences: nobody asks for them by a word."""
COLUMNS: Final = ("trace", "span")
"""Ids of rows, which every tenant has; by their aliases in the search syntax."""
_METHODS: Final = dict.fromkeys(("http.request.method", "http.method"), ("PUT", "DELETE", "PATCH"))
"""Values that are asked for whether or not they came up lately."""
_LONGEST_VALUE: Final = 60
_CATEGORY: Final = 60
"""An attribute with more values than this is no category, and its values are not looked for in a question."""


@dataclass(frozen=True)
class Name:
    """A thing of the tenant: ``value`` is the service, the key, the metric, or a value of ``key``.

    ``weight`` is how surely the form means it: 1 its own name, less for a translation or a part of it.
    """

    kind: Kind
    value: str
    key: str = ""
    weight: float = 1.0


def fold(text: str) -> str:
    """A form as it is looked up: lower case, without spaces and separators."""
    return re.sub(r"[\s._\-/{}]+", "", text.lower())


class Names:
    """Forms → names, and names by sound and by distance for forms that are not listed."""

    def __init__(self) -> None:
        self._forms: dict[str, list[Name]] = {}
        self._english: dict[int, list[tuple[str, Name]]] = {}
        self._sounds: list[tuple[str, Name]] = []
        self._near = lru_cache(2048)(self._look_near)
        self.korean: set[str] = set()
        self.longest = 1

    @classmethod
    def of(cls, catalog: Catalog) -> Names:
        """The index of a catalogue."""
        names = cls()
        for column in COLUMNS:
            for form in KEYS[column]:
                names._put(form, Name("key", column, weight=0.95))
        for service in sorted(catalog.services):
            names._add_service(service)
        for key, found in sorted(catalog.attributes.items()):
            names._add_key(key)
            if len(found.values) <= _CATEGORY and not found.numeric and not _OF_CODE.search(key):
                for value in dict.fromkeys((*found.values, *_METHODS.get(key, ()))):
                    names._add_value(key, value)
        for metric in sorted(catalog.metrics):
            names._add_metric(metric)
        names._prune()
        return names

    def of_form(self, form: str) -> tuple[Name, ...]:
        """What a form means, the surest first; nothing where it is nobody's."""
        folded = fold(form)
        found = self._forms.get(folded)
        if found is None and folded.endswith("s") and folded.isascii() and len(folded) > 4:
            found = self._forms.get(folded[:-1])
        return tuple(found or ())

    def near(self, form: str) -> tuple[Name, ...]:
        """What a mistyped or transliterated form most probably means: a letter or two away, or alike in sound."""
        return self._near(form)

    def _look_near(self, form: str) -> tuple[Name, ...]:
        return self._sounding(form) if HANGUL.search(form) else self._mistyped(fold(form))

    def _mistyped(self, form: str) -> tuple[Name, ...]:
        limit = 0 if len(form) < 4 else 1 if len(form) < 7 else 2
        if limit == 0 or not form.isascii():
            return ()
        found: list[tuple[float, Name]] = []
        for size in range(len(form) - limit, len(form) + limit + 1):
            for known, name in self._english.get(size, ()):
                away = distance(form, known, limit)
                if 0 < away <= limit and (known[0] == form[0] or away == 1):
                    rank = away + (0.0 if name.kind == "service" else 0.2) + (1 - name.weight)
                    found.append((rank, name))
        return _surest(found)

    def _sounding(self, form: str) -> tuple[Name, ...]:
        heard = sound(form)
        if len(heard) < 2 or len(form) < 2:
            return ()
        found: list[tuple[float, Name]] = []
        for known, name in self._sounds:
            limit = 0 if len(heard) < 4 else 1
            away = distance(heard, known, limit)
            if away <= limit and heard[0] == known[0]:
                found.append((away + (0.0 if name.kind == "service" else 0.2) + (1 - name.weight), name))
        return _surest(found)

    def _put(self, form: str, name: Name) -> None:
        folded = fold(form)
        if not folded:
            return
        known = self._forms.setdefault(folded, [])
        for place, other in enumerate(known):
            if (other.kind, other.value, other.key) == (name.kind, name.value, name.key):
                if name.weight > other.weight:
                    known[place] = name
                return
        known.append(name)

    def _add_service(self, service: str) -> None:
        parts = _parts(service)
        self._put(service, Name("service", service))
        for form in _said(parts):
            self._put(form, Name("service", service, weight=0.9))
        if len(parts) > 1:
            for part in parts:
                if part not in WEAK and len(part) > 3:
                    for form in (part, *_glosses(part)):
                        self._put(form, Name("service", service, weight=0.6))
        self._sounds += [(sound(service), Name("service", service, weight=0.8))]

    def _add_key(self, key: str) -> None:
        name = Name("key", key)
        if key != "name":
            self._put(key, name)
        for form in KEYS.get(key, ()):
            self._put(form, Name("key", key, weight=0.95))
        parts = [part for part in _parts(key) if part not in ("app", "k8s", "sdk", "telemetry")]
        for size in range(len(parts), 0, -1):
            tail = parts[-size:]
            if size == 1 and (tail[0] in WEAK):
                continue
            weight = 0.9 if size > 1 else 0.8
            for form in _said(tail):
                self._put(form, Name("key", key, weight=weight))

    def _add_value(self, key: str, value: str) -> None:
        if len(value) > _LONGEST_VALUE or value.replace(".", "").isdigit():
            return
        self._put(value, Name("value", value, key))
        for form in VALUES.get(value, ()):
            self._put(form, Name("value", value, key, weight=0.95))
        if value.isascii() and value.isalpha() and len(value) > 3:
            self._sounds.append((sound(value), Name("value", value, key, weight=0.7)))

    def _add_metric(self, metric: str) -> None:
        self._put(metric, Name("metric", metric))
        parts = _parts(metric)
        if all(part in WEAK for part in parts) and "duration" not in parts[-2:]:
            for form in _said(parts[-2:]):
                self._put(form, Name("metric", metric, weight=0.8))
        for size in range(len(parts), 0, -1):
            for chosen in combinations(parts, size):
                if all(part in WEAK for part in chosen):
                    continue
                weight = 0.95 if size == len(parts) else 0.6 + 0.1 * size
                for form in _said(list(chosen)):
                    if form in senses():  # 지연 is a latency before it is a lag
                        continue
                    self._put(form, Name("metric", metric, weight=min(weight, 0.94)))

    def _prune(self) -> None:
        for form, names in self._forms.items():
            names.sort(key=lambda name: -name.weight)
            if HANGUL.search(form):
                if len(form) > 1 and not re.search("[a-z0-9]", form):
                    self.korean.add(form)
            elif len(form) >= 4:
                for name in names:
                    if name.weight >= 0.9:
                        self._english.setdefault(len(form), []).append((form, name))
            self.longest = max(self.longest, len(form))


def _surest(found: list[tuple[float, Name]]) -> tuple[Name, ...]:
    """The nearest names; those as near as the nearest."""
    if not found:
        return ()
    least = min(rank for rank, _ in found)
    nearest = {(name.kind, name.value, name.key): name for rank, name in found if rank <= least + 0.05}
    return tuple(nearest.values())


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"[.\-_/\s]+", name.lower()) if part]


def _glosses(part: str) -> tuple[str, ...]:
    return PARTS.get(part, ())


def _said(parts: list[str]) -> Iterator[str]:
    """The ways to say a sequence of parts: each in its own or another word, the first ones first."""
    choices = [[part, *_glosses(part)] for part in parts]
    for number, chosen in enumerate(_diagonal(choices)):
        if number >= _COMBINATIONS:
            return
        yield " ".join(chosen)


def _diagonal(choices: list[list[str]]) -> Iterable[tuple[str, ...]]:
    if len(choices) <= 3:
        return product(*choices)
    return product(*(choice[:4] for choice in choices))


def by_letters(form: str, forms: Iterable[str]) -> str | None:
    """The Korean word that is a letter (of the alphabet, not a syllable) away; None where none is or two are."""
    spelled = letters(form)
    limit = 1 if len(form) < 8 else 2
    near = [
        (distance(spelled, letters(known), limit), known)
        for known in forms
        if abs(len(known) - len(form)) <= 1
    ]
    close = sorted(item for item in near if item[0] <= limit)
    if not close or (len(close) > 1 and close[0][0] == close[1][0]):
        return None
    return close[0][1]

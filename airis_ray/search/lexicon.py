"""The closed words of the questions, in both languages, and what each means (``words/senses.toml``).

Words that name a tenant's own things (services, attributes, values, metrics) are not here: they come from the
catalogue (:mod:`airis_ray.search.catalog`), with the translations of :mod:`airis_ray.search.glosses`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from airis_ray.search.wordlists import forms, table


@dataclass(frozen=True)
class Sense:
    """One meaning of a word: its class, and which of the class."""

    kind: str
    value: str


@cache
def senses() -> dict[str, tuple[Sense, ...]]:
    """Form → its senses; Korean forms without spaces."""
    found: dict[str, list[Sense]] = {}
    for kind, value, form in _listed():
        sense = Sense(kind, value)
        known = found.setdefault(form.removesuffix("~"), [])
        if sense not in known:
            known.append(sense)
    for words in table("common")["words"].values():
        for word in words.split():
            found.setdefault(word, [Sense("filler", "filler")])
    return {form: tuple(each) for form, each in found.items()}


@cache
def inflected() -> frozenset[str]:
    """The Korean forms that any verbal ending may follow."""
    return frozenset(form.removesuffix("~") for _, _, form in _listed() if form.endswith("~"))


def _listed() -> Iterator[tuple[str, str, str]]:
    for kind, values in table("senses").items():
        for value, written in values.items():
            for form in forms(written):
                yield kind, value, form
                if form.endswith(" than"):  # slower then 20ms
                    yield kind, value, form.removesuffix("than") + "then"

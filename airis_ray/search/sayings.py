"""What operators say of failures, and the words that programs write for it, in both languages.

Logs are terse and mostly English; who looks for 교착 상태 means ``deadlock``. The lines (``words/sayings.txt``) are of
the trade, not of a tenant: each holds ways to say one thing.
"""

from __future__ import annotations

from functools import cache

from airis_ray.search.wordlists import lines


@cache
def _table() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(form.lower() for form in line) for line in lines("sayings"))


def concepts(text: str) -> list[tuple[str, ...]]:
    """What a text says: for each thing of the trade, the forms that say it."""
    folded = " ".join(text.lower().split())
    packed, words = folded.replace(" ", ""), set(folded.split())
    return [forms for forms in _table() if any(_says(form, folded, packed, words) for form in forms)]


def _says(form: str, folded: str, packed: str, words: set[str]) -> bool:
    if form.isascii() and len(form) <= 3:  # gc, dns: as a word of its own
        return form in words
    return form in folded or form.replace(" ", "") in packed

"""The words of the grammar, read from ``words/``: data that a reader of the language can correct."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def table(name: str) -> dict[str, Any]:
    """A file of word lists as it was written."""
    text = (resources.files("airis_ray.search") / "words" / f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def forms(written: str) -> tuple[str, ...]:
    """The forms of a list with commas between, in its order."""
    return tuple(dict.fromkeys(" ".join(form.split()) for form in written.split(",") if form.strip()))


def lines(name: str) -> tuple[tuple[str, ...], ...]:
    """A file of lists, one a line."""
    text = (resources.files("airis_ray.search") / "words" / f"{name}.txt").read_text(encoding="utf-8")
    return tuple(forms(line) for line in text.splitlines() if line.strip() and not line.startswith("#"))

"""How often, and in what, Python looks for cycles in a process of ours."""

from __future__ import annotations

import gc
from typing import Final

_YOUNG: Final = 100_000
"""Containers made between two looks, some 20 MB; by Python's own 700 a chunk of a recording (100,000 of them, without a
cycle among them) is looked through again and again, which takes two fifths of the time that reading it takes."""


def collect_rarely() -> None:
    """For a process that reads large documents."""
    gc.set_threshold(_YOUNG, 20, 20)


def spare_what_is_loaded() -> None:
    """Once a process has imported what it works with: that is not looked through any more.

    It is 160,000 objects and a tenth of a second in which no request is answered.
    """
    gc.collect()
    gc.freeze()

"""How often Python looks for cycles in a process that reads large documents."""

from __future__ import annotations

import gc
from typing import Final

_YOUNG: Final = 100_000
"""Containers made between two looks, some 20 MB; by Python's own 700 a chunk of a recording (100,000 of them, without a
cycle among them) is looked through again and again, which takes two fifths of the time that reading it takes."""


def collect_rarely() -> None:
    """Set it for this process."""
    gc.set_threshold(_YOUNG, 20, 20)

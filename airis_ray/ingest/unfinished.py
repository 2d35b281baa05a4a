"""Requests that failed after the store had taken a part of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_REQUESTS: Final = 1_000
_SECONDS: Final = 600.0  # senders give up long before


class Unfinished:
    """Remembers which tables of a failed request were kept, so that its repeat adds the others alone.

    Of the last 1,000 such requests, for ten minutes, in this process: a repeat that reaches another replica is stored
    whole. ``clock`` tells seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, frozenset[str]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def remember(self, request: str, tables: frozenset[str]) -> None:
        """Note what was kept of ``request``, named by its content."""
        self._kept[request] = (self._clock(), tables)
        self._kept.move_to_end(request)
        while len(self._kept) > _REQUESTS:
            self._kept.popitem(last=False)

    def take(self, request: str) -> frozenset[str]:
        """The tables of ``request`` that were kept before, and forget them; empty for one that is new."""
        noted, tables = self._kept.pop(request, (0.0, frozenset[str]()))
        return tables if self._clock() - noted <= _SECONDS else frozenset()

"""What a worker thread hands to the event loop, a few pieces at a time."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Closed(Exception):
    """Nobody reads any more."""


class Channel(Generic[_T]):
    """One thread puts, one task of the loop gets. At most ``depth`` items wait; then ``put`` blocks."""

    def __init__(self, loop: asyncio.AbstractEventLoop, depth: int = 4) -> None:
        self._loop = loop
        self._free = threading.Semaphore(depth)
        self._items: deque[_T] = deque()
        self._ready = asyncio.Event()
        self._closed = False

    def put(self, item: _T) -> None:
        """Hand an item over; raises Closed where the reader has gone."""
        self._free.acquire()
        if self._closed:
            raise Closed
        self._loop.call_soon_threadsafe(self._arrive, item)

    @property
    def has_items(self) -> bool:
        """Whether ``get`` returns at once."""
        return bool(self._items)

    async def get(self) -> _T:
        """The next item."""
        while not self._items:
            self._ready.clear()
            await self._ready.wait()
        self._free.release()
        return self._items.popleft()

    def close(self) -> None:
        """Let the thread's next ``put`` raise."""
        self._closed = True
        self._free.release()

    def _arrive(self, item: _T) -> None:
        self._items.append(item)
        self._ready.set()

"""The attribute keys that have a column now: those of the migrations and those that the operator added."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from airis_ray.errors import AirisError
from airis_ray.store import Store
from airis_ray.store.keys import HOT_KEYS, HotKeys, hot_keys
from airis_ray.telemetry.times import SECOND

REFRESH: Final = 60 * SECOND
"""Nanoseconds that an added key may go unused; the question takes the store a few milliseconds."""
_TIMEOUT_SECONDS: Final = 10.0

_log = logging.getLogger(__name__)


class HotKeyCache:
    """What :func:`airis_ray.store.keys.hot_keys` said last, asked for again while it is used.

    Belongs to one event loop. A store that does not answer changes nothing: a key without a column is only slower.
    ``clock`` tells nanoseconds since 1970.
    """

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._keys: HotKeys = HOT_KEYS
        self._due = 0
        self._asking: asyncio.Task[None] | None = None

    def current(self) -> HotKeys:
        """The keys by what is known; asks again behind the caller's back where that is old. Never waits or raises."""
        if self._clock() >= self._due and self._asking is None:
            self._due = self._clock() + REFRESH
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        return self._keys

    async def settled(self) -> HotKeys:
        """:meth:`current`, after the question under way was answered."""
        self.current()
        if self._asking is not None:
            await asyncio.wait([self._asking])
        return self._keys

    async def close(self) -> None:
        """Give up the question under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    async def _ask(self) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                self._keys = await hot_keys(self._store)
        except (AirisError, TimeoutError) as error:
            _log.warning("the columns of attribute keys are as before: %s", error)
        finally:
            self._asking = None

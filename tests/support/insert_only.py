"""What a store of tests that is only written to shares: it answers no query."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pyarrow as pa

from airis_ray.store import Query, Result


class InsertOnly:
    """The rest of :class:`airis_ray.store.Store` for a class that has ``insert``."""

    closed = False

    async def query(self, query: Query) -> Result:
        raise NotImplementedError

    def stream(self, query: Query) -> AsyncIterator[pa.RecordBatch]:
        raise NotImplementedError

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> str:
        raise NotImplementedError

    async def ping(self) -> None:
        return None

    async def close(self) -> None:
        self.closed = True

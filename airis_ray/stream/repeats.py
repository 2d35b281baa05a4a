"""Bodies that came twice: a sender repeats one when the ingest replica died after the broker's acknowledgement.

The same ``airis.id`` among the messages shortly before in the same partition is a repeat. How many messages and
bytes that are follows from the log alone, so that every owner of the partition decides alike: a new one reads the
messages from :attr:`Window.since` on once more before it begins.
"""

from __future__ import annotations

from collections import deque


class Window:
    """The newest messages of one partition: at most ``limit`` of them with at most ``limit_bytes`` in all."""

    def __init__(self, limit: int, limit_bytes: int) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._held: deque[tuple[int, int, str | None]] = deque()
        self._ids: dict[str, int] = {}
        self._bytes = 0

    @property
    def since(self) -> int | None:
        """Offset of the oldest message held; None where none is."""
        return self._held[0][0] if self._held else None

    def add(self, offset: int, size: int, identity: str | None) -> bool:
        """Take the next message of the log in; whether it repeats one that is held."""
        if not self._limit:
            return False
        repeated = identity is not None and identity in self._ids
        self._held.append((offset, size, identity))
        self._bytes += size
        if identity is not None:
            self._ids[identity] = self._ids.get(identity, 0) + 1
        while len(self._held) > self._limit or (self._bytes > self._limit_bytes and len(self._held) > 1):
            self._drop()
        return repeated

    def clear(self) -> None:
        """Forget everything: the log began anew."""
        self._held.clear()
        self._ids.clear()
        self._bytes = 0

    def _drop(self) -> None:
        _, size, identity = self._held.popleft()
        self._bytes -= size
        if identity is None:
            return
        self._ids[identity] -= 1
        if not self._ids[identity]:
            del self._ids[identity]

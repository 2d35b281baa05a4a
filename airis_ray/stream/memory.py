"""A broker in memory that keeps Kafka's promises to a consumer group: for tests, and for trying things out.

Partitions with offsets, groups with generations and cooperative, sticky rebalancing, committed offsets with metadata,
members that are expelled when they are silent, logs cut off by retention. Time is the event loop's, so that a loop with
a clock of its own makes a test of minutes run at once.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from airis_ray.errors import AirisError, Bug, TooLarge, Unavailable
from airis_ray.stream.messages import Headers
from airis_ray.stream.protocol import Committed, Fenced, Listener, Partition, Received

_DOWN: Final = "no broker answers"


@dataclass
class _Log:
    """The messages of one partition from offset ``begin`` on."""

    begin: int = 0
    messages: list[Received] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.begin + len(self.messages)


@dataclass
class _Group:
    """A consumer group: who reads which partition, what each shall read, and what was committed."""

    members: list[MemoryConsumer] = field(default_factory=list)
    owners: dict[Partition, MemoryConsumer] = field(default_factory=dict)
    target: dict[Partition, MemoryConsumer] = field(default_factory=dict)
    committed: dict[Partition, Committed] = field(default_factory=dict)

    def balance(self, partitions: Sequence[Partition]) -> None:
        """Give every partition to a member: evenly, and moving as few as possible."""
        self.target = {}
        if not self.members:
            return
        shares: dict[int, list[Partition]] = {id(member): [] for member in self.members}
        most, larger = divmod(len(partitions), len(self.members))
        loose = []
        for partition in partitions:
            owner = self.owners.get(partition)
            share = shares.get(id(owner))
            full = most + (1 if larger > 0 else 0)
            if share is None or len(share) >= full:
                loose.append(partition)
                continue
            share.append(partition)
            if len(share) > most:
                larger -= 1
        for partition in loose:
            min(shares.values(), key=len).append(partition)
        for member in self.members:
            self.target.update(dict.fromkeys(shares[id(member)], member))


class MemoryBroker:
    """Topics in memory. ``down`` makes it unreachable: nothing is read, written or committed until it is up again."""

    def __init__(
        self,
        topics: Mapping[str, int],
        *,
        session_timeout: float = 10.0,
        max_message_bytes: int = 2**20,
    ) -> None:
        """``topics`` maps names to numbers of partitions."""
        self.down = False
        self.session_timeout = session_timeout
        self.max_message_bytes = max_message_bytes
        self._logs = {Partition(name, n): _Log() for name, count in topics.items() for n in range(count)}
        self._groups: dict[str, _Group] = {}
        self._written = asyncio.Event()

    def consumer(self, group: str, topics: Sequence[str], listener: Listener) -> MemoryConsumer:
        """See :class:`airis_ray.stream.protocol.Broker`."""
        return MemoryConsumer(self, self._groups.setdefault(group, _Group()), topics, listener)

    def publisher(self) -> MemoryPublisher:
        """See :class:`airis_ray.stream.protocol.Broker`."""
        return MemoryPublisher(self)

    async def browse(self, topic: str) -> AsyncGenerator[Received, None]:
        """See :class:`airis_ray.stream.protocol.Broker`."""
        self.reach()
        for partition in self.partitions([topic]):
            for message in list(self._logs[partition].messages):
                yield message

    def partitions(self, topics: Collection[str]) -> list[Partition]:
        """The partitions of ``topics``, in order."""
        return sorted(partition for partition in self._logs if partition.topic in topics)

    def write(
        self,
        partition: Partition,
        value: bytes,
        *,
        key: bytes | None = None,
        headers: Headers = (),
        timestamp_ms: int | None = None,
    ) -> int:
        """Append a message; its offset. Its time is the loop's unless given."""
        log = self._logs[partition]
        now = int(asyncio.get_running_loop().time() * 1000) if timestamp_ms is None else timestamp_ms
        log.messages.append(Received(partition, log.end, now, key, value, headers))
        self._written.set()
        return log.end - 1

    def cut(self, partition: Partition, begin: int) -> None:
        """Drop the messages before offset ``begin``, as retention does."""
        log = self._logs[partition]
        del log.messages[: max(0, begin - log.begin)]
        log.begin = max(log.begin, begin)

    def committed(self, group: str, partition: Partition) -> Committed | None:
        """What a group has committed last."""
        return self._groups[group].committed.get(partition)

    def log(self, partition: Partition) -> _Log:
        """The log of a partition."""
        return self._logs[partition]

    def reach(self) -> None:
        """Raise Unavailable while the broker is down."""
        if self.down:
            raise Unavailable(_DOWN)

    async def written(self, seconds: float) -> None:
        """Return after the next message, or after ``seconds``."""
        self._written.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._written.wait()
        except TimeoutError:
            return


class MemoryPublisher:
    """Implements :class:`airis_ray.stream.protocol.Publisher`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def publish(
        self, topic: str, value: bytes, *, key: bytes | None = None, headers: Headers = ()
    ) -> None:
        """Append to the partition that the key stands for."""
        self._broker.reach()
        if len(value) > self._broker.max_message_bytes:
            raise TooLarge(f"a message of {len(value)} bytes; {self._broker.max_message_bytes} are taken")
        partitions = self._broker.partitions([topic])
        if not partitions:
            raise Unavailable(f"there is no topic {topic}")
        self._broker.write(
            partitions[zlib.crc32(key or b"") % len(partitions)], value, key=key, headers=headers
        )

    async def close(self) -> None:
        """Nothing is held."""


class MemoryConsumer:
    """Implements :class:`airis_ray.stream.protocol.Consumer`."""

    def __init__(
        self, broker: MemoryBroker, group: _Group, topics: Sequence[str], listener: Listener
    ) -> None:
        self._broker = broker
        self._group = group
        self._topics = tuple(topics)
        self._listener = listener
        self._positions: dict[Partition, int] = {}
        self._paused: set[Partition] = set()
        self._seen = 0.0
        self._joined = False
        self._closed = False

    async def poll(self, limit: int, seconds: float) -> Sequence[Received]:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        if self._closed:
            raise Bug("poll of a closed consumer")
        if self._broker.down:
            await asyncio.sleep(seconds)
            return []
        await self._rebalance()
        found = self._fetch(limit)
        if not found:
            await self._broker.written(seconds)
            found = [] if self._broker.down else self._fetch(limit)
        return found

    async def commit(self, offsets: Mapping[Partition, Committed]) -> Mapping[Partition, AirisError]:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        await asyncio.sleep(0)
        errors: dict[Partition, AirisError] = {}
        for partition, committed in offsets.items():
            if self._broker.down:
                errors[partition] = Unavailable(_DOWN)
            elif self._group.owners.get(partition) is not self:
                errors[partition] = Fenced(f"{partition} is another's")
            else:
                self._group.committed[partition] = committed
        return errors

    def pause(self, partitions: Collection[Partition]) -> None:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        self._paused.update(partitions)

    def resume(self, partitions: Collection[Partition]) -> None:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        self._paused.difference_update(partitions)

    def ends(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        return {partition: self._broker.log(partition).end for partition in partitions}

    async def beginning(self, partition: Partition) -> int:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        self._broker.reach()
        return self._broker.log(partition).begin

    async def close(self) -> None:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        if self._closed:
            return
        self._closed = True
        if self in self._group.members:
            if self._positions:
                await self._listener.revoked(list(self._positions))
            self._leave()
        elif self._positions:
            await self._listener.lost(list(self._positions))

    async def _rebalance(self) -> None:
        """Join, or hear of what changed: partitions lost, to be given up, and then new ones."""
        now = asyncio.get_running_loop().time()
        group = self._group
        for member in list(group.members):
            if member is not self and now - member._seen > self._broker.session_timeout:
                member._leave()
        if self._joined and self not in group.members:
            lost, self._positions = list(self._positions), {}
            self._joined = False
            await self._listener.lost(lost)
        self._seen = asyncio.get_running_loop().time()
        if not self._joined:
            self._joined = True
            group.members.append(self)
            group.balance(self._broker.partitions(self._topics))
        if gone := [p for p in self._positions if group.target.get(p) is not self]:
            await self._listener.revoked(gone)
            for partition in gone:
                del self._positions[partition]
                group.owners.pop(partition, None)
        self._seen = asyncio.get_running_loop().time()
        new = [p for p, member in group.target.items() if member is self and p not in group.owners]
        if new:
            group.owners.update(dict.fromkeys(new, self))
            starts = await self._listener.assigned({p: group.committed.get(p) for p in new})
            self._positions |= {p: starts.get(p, self._broker.log(p).begin) for p in new}
            self._paused.difference_update(new)

    def _leave(self) -> None:
        """Out of the group, by itself or because it was silent; its partitions are free."""
        self._group.members.remove(self)
        for partition in [p for p, owner in self._group.owners.items() if owner is self]:
            del self._group.owners[partition]
        self._group.balance(self._broker.partitions(self._topics))

    def _fetch(self, limit: int) -> list[Received]:
        found: list[Received] = []
        for partition, position in list(self._positions.items()):
            if partition in self._paused or len(found) >= limit:
                continue
            log = self._broker.log(partition)
            begin = position if log.begin <= position <= log.end else log.begin
            some = log.messages[begin - log.begin :][: limit - len(found)]
            found += some
            self._positions[partition] = begin + len(some)
        # The next poll begins with another partition, so that none starves behind a full one.
        if self._positions:
            first = next(iter(self._positions))
            self._positions[first] = self._positions.pop(first)
        return found

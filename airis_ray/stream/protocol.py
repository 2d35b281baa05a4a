"""What the consumers see of Kafka.

Two things implement it: Kafka itself (:mod:`airis_ray.stream.kafka`) and a broker in memory
(:mod:`airis_ray.stream.memory`); one suite holds both to what is written here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from airis_ray.errors import AirisError, Bug
from airis_ray.stream.messages import Headers


class Fenced(AirisError):
    """A commit came too late: the partition belongs, or may belong, to another consumer of the group."""


class Lost(Bug):
    """The client cannot go on; only a new one can."""


@dataclass(frozen=True, order=True, slots=True)
class Partition:
    """One partition of a topic; ``str()`` is how tokens and people name it."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.number}"


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it was read. ``timestamp_ms`` is Kafka's own time of it, 0 where it has none."""

    partition: Partition
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes
    headers: Headers = ()

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return len(self.value)


@dataclass(frozen=True, slots=True)
class Committed:
    """What a group keeps of a partition: the offset of the next message, and a few words."""

    offset: int
    metadata: str = ""


class Listener(Protocol):
    """Who is told which partitions are his. The calls come while ``poll`` or ``close`` runs, one after the other."""

    async def assigned(self, partitions: Mapping[Partition, Committed | None]) -> Mapping[Partition, int]:
        """These are yours from now on, with what was committed last (None: nothing ever).

        Returns the offsets that reading begins at; one left out begins at the oldest message.
        """

    async def revoked(self, partitions: Collection[Partition]) -> None:
        """Others will get these. They are yours until this returns, and commits of them count; be brief."""

    async def lost(self, partitions: Collection[Partition]) -> None:
        """These are not yours any more: others may have them already, and no commit of them counts."""


class Consumer(Protocol):
    """A member of a consumer group. For one event loop; ``poll`` is called by one task, and often."""

    async def poll(self, limit: int, seconds: float) -> Sequence[Received]:
        """At most ``limit`` messages, as soon as there is one; none after ``seconds``.

        Messages of a partition come in the order of their offsets, which may have gaps. Where the log begins later
        than the offset asked for, reading goes on at its beginning. Raises Lost where only a new consumer helps.
        """

    async def commit(self, offsets: Mapping[Partition, Committed]) -> Mapping[Partition, AirisError]:
        """Keep ``offsets`` for the group; what could not be kept and why, nothing where all was.

        Fenced: the partition may be another's. Unavailable: it was not kept now, or nobody knows.
        """

    def pause(self, partitions: Collection[Partition]) -> None:
        """Read nothing of these until they are resumed or assigned anew. A message on its way may still come."""

    def resume(self, partitions: Collection[Partition]) -> None:
        """Read these again."""

    def ends(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """The offset of the next message to be written, of the partitions where it is known; asks nobody."""

    async def beginning(self, partition: Partition) -> int:
        """The oldest offset that can be read. Raises Unavailable."""

    async def close(self) -> None:
        """Leave the group; partitions still held are revoked first."""


class Publisher(Protocol):
    """Writes messages."""

    async def publish(
        self, topic: str, value: bytes, *, key: bytes | None = None, headers: Headers = ()
    ) -> None:
        """Return when every copy in sync has it. Raises Unavailable; TooLarge where no broker takes it."""

    async def close(self) -> None:
        """Release the connections; what was not acknowledged is given up."""


class Broker(Protocol):
    """A way to the topics."""

    def consumer(self, group: str, topics: Sequence[str], listener: Listener) -> Consumer:
        """A new member of ``group``; it joins with its first ``poll``."""

    def publisher(self) -> Publisher:
        """Something to write with."""

    def browse(self, topic: str) -> AsyncGenerator[Received, None]:
        """Every message that is in ``topic`` now, in the order of its partitions; outside of every group.

        Nothing where there is no such topic. Raises Unavailable.
        """

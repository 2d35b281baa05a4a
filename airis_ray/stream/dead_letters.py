"""Messages that nobody can read or store: set aside in ``<topic>.dlq`` with the reason, and counted against a limit.

A dead letter is the message as it was, with these headers more. The limit keeps a fault of ours, or a sender that
writes something else altogether, from emptying a topic into its dead letters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Literal

from airis_ray.errors import AirisError, InvalidInput
from airis_ray.stream.messages import DEAD_LETTERS, ID, RECORDS, Headers
from airis_ray.stream.protocol import Partition, Received

Reason = Literal["headers", "malformed", "too_large", "too_many_days", "refused", "unforeseen"]
"""``headers``: no envelope; ``malformed`` and ``too_large``: no OTLP; ``too_many_days``: records of too many days for
one insert; ``refused``: by the store; ``unforeseen``: the decoder failed in a way that is our fault."""

REASON: Final = "airis.dead.reason"
TOPIC: Final = "airis.dead.topic"
PARTITION: Final = "airis.dead.partition"
OFFSET: Final = "airis.dead.offset"
TIMESTAMP: Final = "airis.dead.timestamp"
EXCEPTION: Final = "airis.dead.exception"
REPLAYED: Final = "airis.replayed"
"""Header of a dead letter that was put back: where it was first, ``topic:partition:offset``."""

SPAN: Final = 1000
"""Offsets over which dead letters are counted; then counting begins anew."""

_OWN: Final = (REASON, TOPIC, PARTITION, OFFSET, TIMESTAMP, EXCEPTION)
_EXCEPTION_CHARACTERS: Final = 2000


class LimitReached(AirisError):
    """Too many dead letters: the partition is stopped until an operator has looked."""


@dataclass(frozen=True, slots=True)
class Dead:
    """A message to set aside."""

    message: Received
    reason: Reason
    exception: str

    @property
    def topic(self) -> str:
        """Where it goes."""
        return self.message.partition.topic + DEAD_LETTERS

    def headers(self) -> Headers:
        """The message's own headers, and why and from where it came."""
        message = self.message
        told = {
            REASON: self.reason,
            TOPIC: message.partition.topic,
            PARTITION: str(message.partition.number),
            OFFSET: str(message.offset),
            TIMESTAMP: str(message.timestamp_ms),
            EXCEPTION: self.exception[:_EXCEPTION_CHARACTERS],
        }
        return [*message.headers, *((name, value.encode()) for name, value in told.items())]


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter as it lies in its topic. ``origin`` is unique: one that was written twice has it twice."""

    origin: str
    topic: str
    reason: str
    exception: str
    timestamp_ms: int
    message: Received

    @classmethod
    def read(cls, message: Received) -> Letter:
        """Raises InvalidInput where the message is no dead letter of ours."""
        found = {name: value.decode(errors="replace") for name, value in message.headers if value is not None}
        missing = [name for name in _OWN if name not in found]
        if missing or not found[PARTITION].isdigit() or not found[OFFSET].isdigit():
            where = f"{message.partition}:{message.offset}"
            raise InvalidInput(
                f"{where} is no dead letter of AIRIS-Ray: its header {(*missing, OFFSET)[0]} is missing or bad"
            )
        return cls(
            origin=f"{found[TOPIC]}:{found[PARTITION]}:{found[OFFSET]}",
            topic=found[TOPIC],
            reason=found[REASON],
            exception=found[EXCEPTION],
            timestamp_ms=int(found[TIMESTAMP]) if found[TIMESTAMP].isdigit() else 0,
            message=message,
        )

    def again(self) -> Headers:
        """The headers under which it is put back: its own, the place that it had, and an id that counts it once.

        Not the number of its records: the accounts have closed with them, and it begins anew.
        """
        identity = blake2b(self.origin.encode() + b"\0" + self.message.value, digest_size=16).hexdigest()
        own = [
            (name, value)
            for name, value in self.message.headers
            if name not in (*_OWN, ID, RECORDS, REPLAYED)
        ]
        return [*own, (ID, identity.encode()), (REPLAYED, self.origin.encode())]


class Limit:
    """Counts the dead letters of one partition in each thousand of offsets."""

    def __init__(self, count: int, ratio: float, *, thousand: int = 0, dead: int = 0) -> None:
        self._count = count
        self._ratio = ratio
        self.thousand = thousand
        self.dead = dead

    def check(self, partition: Partition, offsets: Iterable[int]) -> None:
        """Count dead letters at ``offsets`` (ascending).

        Raises LimitReached at the first that is more than ``count`` of its thousand and more than ``ratio`` of what
        has been read of it. Those before it stay counted.
        """
        for offset in offsets:
            thousand, place = divmod(offset, SPAN)
            before = self.dead if thousand == self.thousand else 0
            dead, read = before + 1, place + 1
            if dead > self._count and dead > self._ratio * read:
                raise LimitReached(
                    f"{dead} of the last {read} messages of {partition} cannot be read (limits: "
                    f"AIRIS_STREAM_DEAD_LETTER_COUNT={self._count}, AIRIS_STREAM_DEAD_LETTER_RATIO={self._ratio:g}); "
                    f"the partition is stopped at offset {offset}: look at `airis dlq list`, then raise a limit or "
                    "put the cause right, and restart"
                )
            self.thousand, self.dead = thousand, dead

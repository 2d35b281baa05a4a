"""What an operator does with dead letters: look at them, and put them back when their cause is gone.

A topic is only ever added to. That a letter was put back is therefore a message of its own behind it, with the one
header :data:`RETURNED`; and a letter that a consumer wrote twice, because it was killed before its commit, is one.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from airis_ray.errors import InvalidInput, NotFound
from airis_ray.stream.dead_letters import Letter
from airis_ray.stream.messages import dead_letter_topic
from airis_ray.stream.protocol import Broker, Publisher

RETURNED: Final = "airis.dead.returned"

_MOST: Final = 100_000
"""Letters that are held at once; of more, the newest."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """A dead letter, and whether it was put back."""

    letter: Letter
    returned: bool


class Letters:
    """The dead letters of ``topics`` (telemetry topics, without the ending of their dead letters')."""

    def __init__(self, broker: Broker, topics: Sequence[str]) -> None:
        self._broker = broker
        self._topics = tuple(topics)

    async def all(self, *, topic: str | None = None, reason: str | None = None) -> list[Found]:
        """Every letter, the newest last; of one topic and with one reason where they are named.

        Raises InvalidInput for an unknown topic, Unavailable.
        """
        if topic is not None and topic not in self._topics:
            raise InvalidInput(f"--topic {topic!r}: expected one of {', '.join(self._topics)}")
        found: list[Found] = []
        for name in self._topics if topic is None else (topic,):
            found += await self._read(name)
        chosen = [item for item in found if reason is None or item.letter.reason == reason]
        return sorted(chosen, key=lambda item: item.letter.message.timestamp_ms)

    async def one(self, origin: str) -> Found:
        """The letter that was at ``origin`` (``topic:partition:offset``). Raises as :meth:`all`; NotFound."""
        topic, _, rest = origin.partition(":")
        partition, _, offset = rest.partition(":")
        if topic not in self._topics or not (partition.isdigit() and offset.isdigit()):
            raise InvalidInput(f"{origin!r}: expected topic:partition:offset, as `airis dlq list` shows it")
        for found in await self.all(topic=topic):
            if found.letter.origin == origin:
                return found
        raise NotFound(f"there is no dead letter {origin}")

    async def put_back(self, letters: Collection[Letter]) -> int:
        """Write letters into the topics they came from, and note that; how many there were.

        A letter that is put back twice is stored once, as long as the second is a repeat of the first
        (AIRIS_STREAM_REPEATS). Raises Unavailable; those before it are back then.
        """
        publisher = self._broker.publisher()
        try:
            for letter in letters:
                await self._put_back(publisher, letter)
        finally:
            await publisher.close()
        return len(letters)

    async def _put_back(self, publisher: Publisher, letter: Letter) -> None:
        if letter.topic not in self._topics:
            raise InvalidInput(
                f"{letter.origin}: {letter.topic} is none of the telemetry topics (AIRIS_KAFKA_TOPIC_PREFIX)"
            )
        message = letter.message
        await publisher.publish(letter.topic, message.value, key=message.key, headers=letter.again())
        note = [(RETURNED, letter.origin.encode())]
        await publisher.publish(dead_letter_topic(letter.topic), b"", key=message.key, headers=note)

    async def _read(self, topic: str) -> list[Found]:
        letters: dict[str, Letter] = {}
        returned: set[str] = set()
        async with aclosing(self._broker.browse(dead_letter_topic(topic))) as messages:
            async for message in messages:
                note = dict(message.headers).get(RETURNED)
                if note is not None:
                    returned.add(note.decode(errors="replace"))
                    continue
                try:
                    letter = Letter.read(message)
                except InvalidInput as error:  # anybody may write into the topic
                    _log.warning("passed over: %s", error)
                    continue
                letters.setdefault(letter.origin, letter)
                if len(letters) > _MOST:
                    oldest = next(iter(letters))
                    del letters[oldest]
                    returned.discard(oldest)
        return [Found(letter, origin in returned) for origin, letter in letters.items()]

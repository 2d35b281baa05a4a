"""A member of a consumer group: librdkafka's calls in one thread, its callbacks on the event loop."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka import Consumer as Client

from airis_ray.errors import AirisError, Unavailable
from airis_ray.stream.kafka_client import CALL_SECONDS, asked, received, some
from airis_ray.stream.protocol import Committed, Fenced, Listener, Lost, Partition, Received

_CALLBACK_SECONDS: Final = 60.0  # finishing the batches of what is revoked, with room to spare
_SLICE_SECONDS: Final = 0.02  # longest wait of a commit for the poll that runs

_FENCED: Final = frozenset(
    {
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError._ASSIGNMENT_LOST,
    }
)
_T = TypeVar("_T")

_log = logging.getLogger(__name__)


class KafkaConsumer:
    """Implements :class:`airis_ray.stream.protocol.Consumer`.

    One thread makes every call of the client, because one waits for another there: a commit for the poll that runs,
    and both for the callback of a rebalance. So polls wait in slices, with what was asked meanwhile done between them,
    and a callback that waits for the listener on the event loop does what the listener asks for.
    """

    def __init__(self, config: dict[str, Any], topics: Sequence[str], listener: Listener) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka")
        self._asked: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._fatal: str | None = None
        self._ends: dict[Partition, int] = {}
        self._client = Client(config | {"error_cb": self._on_error})
        self._client.subscribe(
            list(topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    async def poll(self, limit: int, seconds: float) -> Sequence[Received]:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        return await self._loop.run_in_executor(self._thread, self._poll, limit, seconds)

    async def commit(self, offsets: Mapping[Partition, Committed]) -> Mapping[Partition, AirisError]:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        return await self._ask(lambda: self._commit(offsets))

    def pause(self, partitions: Collection[Partition]) -> None:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        self._tell(lambda: self._client.pause(_bare(partitions)))

    def resume(self, partitions: Collection[Partition]) -> None:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        self._tell(lambda: self._client.resume(_bare(partitions)))

    def ends(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        return {p: self._ends[p] for p in partitions if p in self._ends}

    async def beginning(self, partition: Partition) -> int:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        (bare,) = _bare([partition])

        def ask() -> int:
            marks = self._client.get_watermark_offsets(bare, timeout=CALL_SECONDS)
            if marks is None:
                raise Unavailable(f"Kafka did not tell the bounds of {partition}")
            return int(marks[0])

        return await self._ask(lambda: asked(ask))

    async def close(self) -> None:
        """See :class:`airis_ray.stream.protocol.Consumer`."""
        await self._loop.run_in_executor(self._thread, self._client.close)
        self._thread.shutdown(wait=False)

    async def _ask(self, question: Callable[[], _T]) -> _T:
        """Have the thread answer ``question``."""
        answer: Future[_T] = Future()

        def work() -> None:
            try:
                answer.set_result(question())
            except BaseException as error:
                answer.set_exception(error)

        self._submit(work)
        return await asyncio.wrap_future(answer)

    def _tell(self, order: Callable[[], object]) -> None:
        """Have the thread do something soon; a partition that has just been taken away is no matter."""

        def work() -> None:
            with suppress(KafkaException):
                order()

        self._submit(work)

    def _submit(self, work: Callable[[], None]) -> None:
        self._asked.put(work)
        self._thread.submit(self._serve)  # where no poll runs that would do it

    def _serve(self) -> None:
        while not self._asked.empty():
            self._asked.get_nowait()()

    def _poll(self, limit: int, seconds: float) -> list[Received]:
        deadline = time.monotonic() + seconds
        while True:
            self._serve()
            if self._fatal is not None:
                raise Lost(f"the Kafka client cannot go on: {self._fatal}")
            left = deadline - time.monotonic()
            messages = some(self._client, limit, max(0.0, min(_SLICE_SECONDS, left)))
            if messages or left <= _SLICE_SECONDS:
                break
        self._note_ends()
        return [received(message) for message in messages if self._is_good(message)]

    def _is_good(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.fatal():
            raise Lost(f"the Kafka client cannot go on: {error.str()}")
        _log.warning("Kafka: %s", error.str())  # librdkafka goes on by itself
        return False

    def _note_ends(self) -> None:
        """Where the logs end, as the answers to fetches say."""
        ends = {}
        for bare in self._client.assignment():
            marks = self._client.get_watermark_offsets(bare, cached=True)
            if marks is not None and marks[1] >= 0:
                ends[Partition(bare.topic, bare.partition)] = int(marks[1])
        self._ends = ends

    def _commit(self, offsets: Mapping[Partition, Committed]) -> dict[Partition, AirisError]:
        asked = [TopicPartition(p.topic, p.number, c.offset, c.metadata) for p, c in offsets.items()]
        try:
            answers = self._client.commit(offsets=asked, asynchronous=False) or []
        except KafkaException as error:
            return dict.fromkeys(offsets, _meaning(error.args[0]))
        errors = {Partition(a.topic, a.partition): a.error for a in answers}
        return {p: _meaning(error) for p, error in errors.items() if error is not None}

    def _on_assign(self, client: Client, partitions: list[TopicPartition]) -> None:
        found = {
            Partition(p.topic, p.partition): Committed(p.offset, p.metadata or "") if p.offset >= 0 else None
            for p in self._committed(client, partitions)
        }
        starts = self._call(self._listener.assigned(found))
        client.incremental_assign(
            [TopicPartition(p.topic, p.number, starts.get(p, OFFSET_BEGINNING)) for p in found]
        )

    def _on_revoke(self, client: Client, partitions: list[TopicPartition]) -> None:
        self._call(self._listener.revoked([Partition(p.topic, p.partition) for p in partitions]))
        client.incremental_unassign(partitions)

    def _on_lost(self, client: Client, partitions: list[TopicPartition]) -> None:
        self._call(self._listener.lost([Partition(p.topic, p.partition) for p in partitions]))
        client.incremental_unassign(partitions)

    def _committed(self, client: Client, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """What the group has committed; asked until there is an answer, because a wrong start would lose or double."""
        if not partitions:
            return []
        for _ in range(math.ceil(_CALLBACK_SECONDS / CALL_SECONDS)):
            try:
                answers = client.committed(partitions, timeout=CALL_SECONDS)
            except KafkaException as error:
                _log.warning("Kafka did not tell the committed offsets: %s", error.args[0].str())
                continue
            if all(answer.error is None for answer in answers):
                return answers
        raise Lost("Kafka does not tell the committed offsets")

    def _call(self, listening: Coroutine[Any, Any, _T]) -> _T:
        """Run a listener's call on the event loop; in this thread meanwhile what it asks for, such as commits."""
        answer = asyncio.run_coroutine_threadsafe(listening, self._loop)
        answer.add_done_callback(lambda _: self._asked.put(_nothing))  # wakes this thread
        deadline = time.monotonic() + _CALLBACK_SECONDS
        while not answer.done() and (left := deadline - time.monotonic()) > 0:
            with suppress(Empty):
                self._asked.get(timeout=left)()
        return answer.result(0)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._fatal = error.str()
        else:
            _log.warning("Kafka: %s", error.str())


def _nothing() -> None:
    """For a thread that shall look around."""


def _bare(partitions: Collection[Partition]) -> list[TopicPartition]:
    return [TopicPartition(p.topic, p.number) for p in partitions]


def _meaning(error: KafkaError) -> AirisError:
    if error.code() in _FENCED:
        return Fenced(f"Kafka: {error.str()}")
    if error.fatal() or error.code() == KafkaError.FENCED_INSTANCE_ID:
        return Lost(f"Kafka: {error.str()}")
    return Unavailable(f"Kafka: {error.str()}")

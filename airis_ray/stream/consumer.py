"""The poll loop: messages to the pipelines of their partitions, as many as there is room for."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Collection, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Final

from airis_ray.errors import AirisError, InvalidInput
from airis_ray.settings import Settings
from airis_ray.store.protocol import Store
from airis_ray.stream import metrics
from airis_ray.stream.batch import Bounds, Collect
from airis_ray.stream.bookmark import Bookmark
from airis_ray.stream.claim import Claim
from airis_ray.stream.commit import Commit
from airis_ray.stream.dead_letters import Limit, LimitReached
from airis_ray.stream.decode import Decode, Decoder
from airis_ray.stream.insert import Insert, Inserting
from airis_ray.stream.load import Load, Stats
from airis_ray.stream.messages import signals_by_topic
from airis_ray.stream.offsets import Offsets
from airis_ray.stream.pipeline import Pipeline
from airis_ray.stream.protocol import Broker, Committed, Fenced, Lost, Partition, Received
from airis_ray.stream.repeats import Window

_MESSAGES: Final = 500
_POLL_SECONDS: Final = 0.2  # longest time without a look at rebalances, room and failures
_FULL_POLL_SECONDS: Final = 0.05  # while nothing may be read
_MEASURE_SECONDS: Final = 0.1
_SILENT_SECONDS: Final = 60.0  # a poll loop that did not turn for so long hangs

_log = logging.getLogger(__name__)


class StreamConsumer:
    """One member of the consumer group, with a pipeline for each of its partitions.

    For the event loop that made it. Closes the broker's consumer and publisher; the store stays its owner's.
    """

    def __init__(
        self, broker: Broker, store: Store, settings: Settings, *, threads: Executor | None = None
    ) -> None:
        """``threads`` decode what is large; closed with the consumer."""
        self._settings = settings.stream
        self._threads = threads or ThreadPoolExecutor(
            len(os.sched_getaffinity(0)), thread_name_prefix="decode"
        )
        self._decoder = Decoder(settings.kafka, settings.retention, self._threads)
        self._publisher = broker.publisher()
        topics = list(signals_by_topic(settings.kafka))
        self._consumer = broker.consumer(self._settings.group, topics, self)
        self._offsets = Offsets(self._consumer.commit)
        self._shared = Inserting(
            store,
            self._publisher,
            self._offsets,
            asyncio.Semaphore(settings.store.writers),
            claim_seconds=self._settings.session_timeout / 2,
        )
        self._pipelines: dict[Partition, Pipeline] = {}
        self._stopped: dict[Partition, str] = {}
        self._full = False
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._measured = 0.0
        self._turned = asyncio.get_running_loop().time()
        self._load = Load()

    @property
    def stopped(self) -> Mapping[Partition, str]:
        """The partitions that go on no more until the program is restarted, and why."""
        return dict(self._stopped)

    def readings(self) -> list[tuple[Partition, int, str]]:
        """The partitions that it has: how many messages each is behind, and why it is stopped ('' where it is not)."""
        ends = self._consumer.ends(list(self._pipelines))
        return [
            (partition, max(0, ends.get(partition, 0) - pipeline.position), self._stopped.get(partition, ""))
            for partition, pipeline in sorted(self._pipelines.items())
        ]

    @property
    def held(self) -> int:
        """Bytes between Kafka and the store."""
        return sum(pipeline.held for pipeline in self._pipelines.values())

    async def run(self) -> None:
        """Read until :meth:`close`. Raises what a new consumer may cure."""
        self._idle.clear()
        try:
            while not self._closing:
                timeout = _FULL_POLL_SECONDS if self._full else _POLL_SECONDS
                for message in await self._consumer.poll(_MESSAGES, timeout):
                    await self._dispatch(message)
                self._look_for_failures()
                self._regulate()
                self._measure(asyncio.get_running_loop().time())
        finally:
            self._idle.set()

    async def close(self, grace: float) -> None:
        """Finish the batches under way within ``grace`` seconds, give up the rest, leave the group. Once."""
        if self._closing:
            return
        self._closing = True
        await self._idle.wait()  # the loop turns every 0.2 s
        async with asyncio.TaskGroup() as tasks:
            for pipeline in self._pipelines.values():
                tasks.create_task(pipeline.finish(grace))
        await self._consumer.close()
        await self._publisher.close()
        self._threads.shutdown(wait=False)

    def check(self) -> None:
        """Raise unless the poll loop turns. A store or a Kafka that is down is no fault of this consumer."""
        silent = asyncio.get_running_loop().time() - self._turned
        if silent > _SILENT_SECONDS:
            raise Lost(f"the poll loop has not turned for {silent:.0f} s")

    def stats(self) -> Stats:
        """What the autoscaling policy is told."""
        return self._load.stats()

    async def assigned(self, partitions: Mapping[Partition, Committed | None]) -> Mapping[Partition, int]:
        """See :class:`airis_ray.stream.protocol.Listener`."""
        metrics.REBALANCES.labels(event="assigned").inc(len(partitions))
        starts = {}
        for partition, committed in partitions.items():
            self._offsets.own(partition)
            if committed is None:
                pipeline = self._pipelines[partition] = self._pipeline(partition, 0, Bookmark())
                pipeline.expected = None
                continue
            bookmark = Bookmark.read(committed.metadata)
            since = committed.offset if bookmark.since is None else min(bookmark.since, committed.offset)
            starts[partition] = since
            pipeline = self._pipelines[partition] = self._pipeline(partition, committed.offset, bookmark)
            pipeline.expected = since
            if bookmark.last is not None:
                _log.info(
                    "a batch of an earlier owner is made again",
                    extra={"partition": str(partition), "first": committed.offset, "last": bookmark.last},
                )
        if partitions:
            _log.info("partitions assigned", extra={"partitions": [str(p) for p in sorted(partitions)]})
        return starts

    async def revoked(self, partitions: Collection[Partition]) -> None:
        """See :class:`airis_ray.stream.protocol.Listener`."""
        metrics.REBALANCES.labels(event="revoked").inc(len(partitions))
        async with asyncio.TaskGroup() as tasks:
            for partition in partitions:
                if partition in self._pipelines:
                    tasks.create_task(self._pipelines[partition].finish(self._settings.finish_timeout))
        await self._forget(partitions)

    async def lost(self, partitions: Collection[Partition]) -> None:
        """See :class:`airis_ray.stream.protocol.Listener`."""
        metrics.REBALANCES.labels(event="lost").inc(len(partitions))
        _log.warning("partitions were lost", extra={"partitions": [str(p) for p in sorted(partitions)]})
        await self._forget(partitions)

    async def _forget(self, partitions: Collection[Partition]) -> None:
        for partition in partitions:
            self._offsets.disown(partition)
            self._stopped.pop(partition, None)
            if (pipeline := self._pipelines.pop(partition, None)) is not None:
                await pipeline.abandon()
            metrics.LAG.remove(str(partition))
        await self._offsets.settled()

    def _pipeline(self, partition: Partition, start: int, bookmark: Bookmark) -> Pipeline:
        settings = self._settings
        limit = Limit(
            settings.dead_letter_count,
            settings.dead_letter_ratio,
            thousand=bookmark.thousand,
            dead=bookmark.dead,
        )
        metrics.LAG.labels(partition=str(partition))
        return Pipeline(
            partition,
            Decode(self._decoder, Window(settings.repeats, settings.repeat_bytes), start),
            Collect(partition, Bounds.of(settings), bookmark.last),
            (
                Claim(self._offsets, limit),
                Insert(self._shared, limit),
                Commit(self._offsets, limit),
            ),
            start=start,
        )

    async def _dispatch(self, message: Received) -> None:
        pipeline = self._pipelines.get(message.partition)
        if pipeline is None or pipeline.failure is not None:  # on its way when the partition went
            return
        expected = message.offset if pipeline.expected is None else pipeline.expected
        if message.offset < expected:
            end = self._consumer.ends([message.partition]).get(message.partition, expected)
            if end >= expected and message.timestamp_ms <= pipeline.newest_ms:
                return  # read again after a pause
            _log.error(
                "a topic was made anew: what it holds now is read from its beginning",
                extra={"partition": str(message.partition), "offset": expected},
            )
            await pipeline.abandon()
            pipeline = self._pipelines[message.partition] = self._pipeline(
                message.partition, message.offset, Bookmark()
            )
        elif message.offset > expected:
            await self._note_gap(message, max(expected, pipeline.position))
        pipeline.put(message)

    async def _note_gap(self, message: Received, first: int) -> None:
        """Offsets are missing: markers of transactions, or messages that retention took before they were read."""
        try:
            begin = await self._consumer.beginning(message.partition)
        except AirisError:
            return
        if (expired := min(begin, message.offset) - first) > 0:
            metrics.EXPIRED.labels(topic=message.partition.topic).inc(expired)
            _log.error(
                "messages were gone before they were read: the topic's retention is shorter than the lag",
                extra={"partition": str(message.partition), "first": first, "messages": expired},
            )

    def _look_for_failures(self) -> None:
        for partition, pipeline in self._pipelines.items():
            error = pipeline.failure
            if error is None or partition in self._stopped or isinstance(error, Fenced):
                continue
            if not isinstance(error, LimitReached | InvalidInput):
                raise error
            _log.error("a partition is stopped: %s", error, extra={"partition": str(partition)})
            self._stopped[partition] = str(error)
            self._consumer.pause([partition])

    def _regulate(self) -> None:
        """Read nothing more while there is no room, but what a batch that is made again waits for."""
        held = self.held
        if held > self._settings.max_pending_bytes:
            self._full = True
            self._consumer.pause([p for p, pipeline in self._pipelines.items() if not pipeline.remaking])
            for pipeline in self._pipelines.values():
                pipeline.press()
        elif self._full and held <= self._settings.max_pending_bytes // 2:
            self._full = False
            self._consumer.resume([p for p in self._pipelines if p not in self._stopped])

    def _measure(self, now: float) -> None:
        self._turned = now
        if now - self._measured < _MEASURE_SECONDS:
            return
        self._measured = now
        lag = 0
        for partition, behind, _ in self.readings():
            metrics.LAG.labels(partition=str(partition)).set(behind)
            lag += behind
        metrics.PENDING_BYTES.set(self.held)
        metrics.PARTITIONS.labels(state="read").set(len(self._pipelines) - len(self._stopped))
        metrics.PARTITIONS.labels(state="stopped").set(len(self._stopped))
        self._load.observe(
            now,
            lag=lag,
            done=sum(pipeline.position for pipeline in self._pipelines.values()),
            partitions=frozenset(self._pipelines),
            working=any(pipeline.working for pipeline in self._pipelines.values()),
        )

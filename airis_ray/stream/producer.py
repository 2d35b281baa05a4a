"""The producer: awaits the brokers' acknowledgement of each message, holds a bounded number of bytes."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as _Producer

from airis_ray.errors import AirisError, Overloaded, TooLarge, Unavailable
from airis_ray.resilience.breaker import Breaker
from airis_ray.settings import KafkaSettings
from airis_ray.stream.client_config import producer_config
from airis_ray.stream.messages import Message

_POLL_SECONDS: Final = (
    0.2  # how long the thread may take to see that it shall end; deliveries wake it at once
)
_FULL_RETRY: Final = 1.0
_DOWN_RETRY: Final = 2.0
_PATIENCE: Final = 5.0  # a caller that gave up after so long had brokers that hang; SDKs wait for 10 s

_log = logging.getLogger(__name__)


class Producer:
    """Sends messages and returns when they are acknowledged. Belongs to the event loop that made it.

    A thread serves librdkafka's callbacks. An idempotent producer that met an error after which it cannot keep
    order and number of its messages (librdkafka calls it fatal) is replaced by a new one with the next message.
    """

    def __init__(self, settings: KafkaSettings, max_body_bytes: int) -> None:
        self._config = producer_config(settings, max_body_bytes)
        self._timeout = settings.delivery_timeout
        self._patience = min(_PATIENCE, settings.delivery_timeout / 3)
        self._closed = False
        self._line: _Line | None = None  # made with the first message: it belongs to the event loop
        self._breaker = Breaker("kafka")
        self._retired: set[asyncio.Task[None]] = set()

    async def send(self, message: Message) -> None:
        """Return once every copy in sync has the message.

        Raises Overloaded where the queue is full and TooLarge where the message is above a limit (nothing was kept in
        both cases), Unavailable where the acknowledgement did not come in time: the message may be there or not.
        """
        if self._closed:
            raise Unavailable("this replica is shutting down; send the request again")
        with self._breaker.call(patience=self._patience):
            delivered = asyncio.get_running_loop().create_future()
            self._usable().produce(message, delivered)
            error = await delivered
            if error is not None:
                raise failure(error, self._timeout)

    async def close(self, grace: float) -> None:
        """Send what waits for at most ``grace`` seconds; what is left then is given up as Unavailable."""
        self._closed = True
        if self._line is not None:
            await self._line.close(grace)
        await asyncio.gather(*self._retired)

    def _usable(self) -> _Line:
        if self._line is not None and self._line.fatal is not None:
            _log.error("the Kafka producer met a fatal error and is replaced: %s", self._line.fatal)
            retired = asyncio.get_running_loop().create_task(self._line.close(0.0))
            self._retired.add(retired)
            retired.add_done_callback(self._retired.discard)
            self._line = None
        if self._line is None:
            self._line = _Line(self._config)
        return self._line


class _Line:
    """One librdkafka producer with the thread that serves its callbacks."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._results: deque[tuple[asyncio.Future[KafkaError | None], KafkaError | None]] = deque()
        self._awake = False  # the event loop will look at the results
        self._ended = threading.Event()
        self.fatal: str | None = None
        self._producer = _Producer(config | {"error_cb": self._noted})
        self._thread = threading.Thread(target=self._serve, name="kafka-producer", daemon=True)
        self._thread.start()

    def produce(self, message: Message, delivered: asyncio.Future[KafkaError | None]) -> None:
        """Hand a message over; ``delivered`` gets None or the error."""
        try:
            self._producer.produce(
                message.topic,
                value=message.value,
                key=message.key,
                headers=list(message.headers),
                on_delivery=partial(self._delivered, delivered),
            )
        except BufferError:
            raise Overloaded(
                "the brokers do not keep up; nothing of this request was kept, send it again later",
                retry_after=_FULL_RETRY,
            ) from None
        except KafkaException as error:
            if error.args[0].fatal():
                self._noted(error.args[0])
            raise failure(error.args[0], 0.0) from None

    async def close(self, grace: float) -> None:
        """Wait for acknowledgements for at most ``grace`` seconds, give up the rest, end the thread."""
        await self._loop.run_in_executor(None, self._flush, grace)
        self._settle()

    def _flush(self, grace: float) -> None:
        self._tolerant(self._producer.flush, grace)
        self._producer.purge()
        self._tolerant(self._producer.flush, _POLL_SECONDS)  # tells of what was purged
        self._ended.set()
        self._thread.join(5 * _POLL_SECONDS)

    def _serve(self) -> None:
        while not self._ended.is_set():
            self._tolerant(self._producer.poll, _POLL_SECONDS)

    def _tolerant(self, call: Callable[[float], int], seconds: float) -> None:
        """Serve callbacks; a fatal error comes as an exception of whoever does so, not as a callback."""
        try:
            call(seconds)
        except KafkaException as error:
            self._noted(error.args[0])

    def _noted(self, error: KafkaError) -> None:
        """In whichever thread: an error that belongs to no message."""
        if error.fatal():
            self.fatal = self.fatal or error.str()
        else:
            _log.warning("Kafka: %s", error.str())

    def _delivered(
        self, delivered: asyncio.Future[KafkaError | None], error: KafkaError | None, _: Any
    ) -> None:
        """In the thread: one message's fate. A burst of them costs the event loop one wake-up."""
        self._results.append((delivered, error))
        # Looked at after the append, cleared before the results are read: none is left behind.
        if not self._awake and not self._loop.is_closed():
            self._awake = True
            self._loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        self._awake = False
        while self._results:
            delivered, error = self._results.popleft()
            if not delivered.done():  # a caller may have gone away
                delivered.set_result(error)


def failure(error: KafkaError, timeout: float) -> AirisError:
    """What a delivery's error means for the sender of the request. ``timeout`` is the delivery's, in seconds."""
    code = error.code()
    if code in (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE):
        return TooLarge(
            "the request is larger than a message of the brokers may be: send it in smaller parts"
        )
    if code == KafkaError._QUEUE_FULL:
        return Overloaded("the brokers do not keep up; send the request again later", retry_after=_FULL_RETRY)
    if code in (KafkaError._MSG_TIMED_OUT, KafkaError.REQUEST_TIMED_OUT):
        what = f"the brokers did not acknowledge within {timeout:g} s; send the request again"
    elif code in (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT):
        what = "this replica shut down before the brokers acknowledged; send the request again"
    else:
        what = f"the brokers do not take the request: {error.str()}"
    return Unavailable(what, retry_after=_DOWN_RETRY)

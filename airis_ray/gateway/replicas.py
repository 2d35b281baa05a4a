"""What every replica tells of itself, gathered for ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric

from airis_ray.resilience import State
from airis_ray.web.vitals import Vitals, vitals

AskAll = Callable[[], Awaitable[Sequence[Vitals]]]
"""Asks every replica of every application; those that do not answer in time are left out."""

_FRESH: Final = 5.0  # seconds: a call to each replica is for now and then
_BOUND: Final = 2.0  # seconds for all of them
_VALUES: Final[dict[State, float]] = {"closed": 0.0, "half-open": 1.0, "open": 2.0}

_log = logging.getLogger(__name__)


async def only_here() -> Sequence[Vitals]:
    """The vitals of this process alone: where there is no Serve, it is all there is."""
    return [vitals("gateway")]


class Replicas:
    """Keeps the last answer for some seconds; who asks after that starts the next round."""

    def __init__(self, ask: AskAll | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask or only_here
        self._clock = clock
        self._known: Sequence[Vitals] = ()
        self._asked = float("-inf")
        self._round: asyncio.Task[None] | None = None

    async def vitals(self, wait: float = _BOUND) -> Sequence[Vitals]:
        """Every replica that answered, by service and replica; of an earlier round where this one takes longer than
        ``wait`` seconds."""
        now = self._clock()
        if self._round is None and now - self._asked >= _FRESH:
            self._asked = now
            self._round = asyncio.create_task(self._ask_all())
        if self._round is not None:
            await asyncio.wait({self._round}, timeout=wait)
        return self._known

    async def families(self) -> list[Metric]:
        """The replicas' breakers, and what they read from Kafka, for Prometheus."""
        state = GaugeMetricFamily(
            "airis_breaker_state",
            "Calls of a replica to a part: 0 pass, 1 one is tried, 2 are suspended. Cure: look at that part; the "
            "reason is in /readyz for an operator's key",
            labels=["service", "replica", "breaker"],
        )
        lag = GaugeMetricFamily(
            "airis_stream_partition_lag_messages",
            "Messages of a partition that are in Kafka and not yet in the store; a partition that nobody reads is not "
            "among them. Cure where it grows: more replicas of the application stream, or a faster store",
            labels=["partition"],
        )
        stopped = GaugeMetricFamily(
            "airis_stream_partition_stopped",
            "1 where a partition is stopped because of too many dead letters. Cure: `airis dlq list` says why; put the "
            "cause right or raise AIRIS_STREAM_DEAD_LETTER_*, and restart",
            labels=["partition"],
        )
        for replica in await self.vitals():
            for report in replica.breakers:
                state.add_metric([replica.service, replica.replica, report.name], _VALUES[report.state])
            for reading in replica.readings:
                lag.add_metric([reading.partition], reading.lag)
                stopped.add_metric([reading.partition], float(bool(reading.stopped)))
        return [state, lag, stopped]

    async def _ask_all(self) -> None:
        try:
            async with asyncio.timeout(_BOUND):
                found = await self._ask()
            self._known = sorted(found, key=lambda each: (each.service, each.replica))
        except Exception as error:  # it informs, and must not keep /readyz from its own answer
            _log.warning("replicas cannot be asked for their state", extra={"reason": repr(error)})
            self._known = await only_here()
        finally:
            self._round = None

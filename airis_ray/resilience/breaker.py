"""The circuit breaker: a part that fails again and again is left alone, and asked by one call from time to time.

closed: every call passes; some outages in a row open it. open: calls are refused at once. half-open: the pause is
over; the next call is the probe, alone; its success closes, its failure opens again for twice as long.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal

from airis_ray.errors import Overloaded, Unavailable
from airis_ray.resilience import metrics

State = Literal["closed", "half-open", "open"]

_REASON_LENGTH: Final = 300
_log = logging.getLogger(__name__)


class BreakerOpen(Unavailable):
    """Not asked: the part is known to be down. ``retry_after`` is the time until somebody may ask again."""


@dataclass(frozen=True)
class BreakerPolicy:
    """When to open and for how long. Times in seconds."""

    failures: int = 5
    """Outages in a row, without one answer between them: one lost connection of a pool is none yet."""

    first_pause: float = 0.5
    """The embedded store is back within about one second after a crash."""

    longest_pause: float = 5.0
    """One call every five seconds is no load for a part that recovers, and five seconds late is soon enough."""

    probe: float = 5.0
    """How long a probe keeps others out: one that hangs must not keep away from a part that is back."""


@dataclass(frozen=True)
class BreakerReport:
    """A breaker now: outages in a row, seconds in the present state (open and half-open are one), seconds until the
    next probe, and what the last outage said."""

    name: str
    state: State
    failures: int
    seconds: float
    retry_in: float
    reason: str


def is_outage(error: BaseException) -> bool:
    """Whether an error says that the part does not answer, and not that it refuses this one call."""
    return isinstance(error, Unavailable | OSError)  # TimeoutError is an OSError


class Permit:
    """One call that was let in; ends once, the first ending counts."""

    __slots__ = ("_breaker", "_round")

    def __init__(self, breaker: Breaker, turn: int) -> None:
        self._breaker: Breaker | None = breaker
        self._round = turn

    def succeeded(self) -> None:
        """The part answered."""
        self._end(False, "")

    def failed(self, reason: object) -> None:
        """The part did not answer; ``str(reason)`` is shown to operators."""
        self._end(True, str(reason) or repr(reason))

    def abandoned(self) -> None:
        """The call was given up and showed nothing."""
        self._end(None, "")

    def _end(self, failed: bool | None, reason: str) -> None:
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            breaker._ended(self, self._round, failed, reason)


class _Call:
    """A permit as a context manager."""

    __slots__ = ("_began", "_breaker", "_force", "_patience", "_permit")

    def __init__(self, breaker: Breaker, force: bool, patience: float | None) -> None:
        self._breaker = breaker
        self._force = force
        self._patience = patience

    def __enter__(self) -> Permit:
        self._permit = self._breaker.admit(force=self._force)
        self._began = self._breaker.clock()
        return self._permit

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._permit.succeeded()
        elif isinstance(error, BreakerOpen | Overloaded):  # another part's, or a queue on the way to this one
            self._permit.abandoned()
        elif isinstance(error, Exception):
            self._permit.failed(error) if self._breaker.counts(error) else self._permit.succeeded()
        elif self._patience is not None and self._breaker.clock() - self._began >= self._patience:
            self._permit.failed(f"no answer within {self._breaker.clock() - self._began:.1f} s")
        else:
            self._permit.abandoned()


class Breaker:
    """One part's breaker; for concurrent use by tasks and threads."""

    def __init__(
        self,
        name: str,
        policy: BreakerPolicy | None = None,
        *,
        counts: Callable[[BaseException], bool] = is_outage,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = lambda: random.uniform(0.5, 1.0),
    ) -> None:
        """``counts`` tells outages from other errors; ``jitter`` is the factor of each pause."""
        self.name = name
        self.counts = counts
        self.clock = clock
        self._policy = policy or BreakerPolicy()
        self._jitter = jitter
        self._lock = threading.Lock()
        self._failures = 0
        self._reason = ""
        self._round = 0  # odd while open; what began in an earlier round is no news
        self._since = clock()
        self._pause = 0.0
        self._until = 0.0  # when an open breaker lets the next call try
        self._probe: Permit | None = None
        with _PROCESS_LOCK:
            _PROCESS.add(self)

    def admit(self, *, force: bool = False) -> Permit:
        """Let one call begin. Raises BreakerOpen while the part is left alone; ``force`` is never refused."""
        if self._round % 2 == 0:
            return Permit(self, self._round)
        with self._lock:
            permit, now = Permit(self, self._round), self.clock()
            if self._round % 2 == 0 or force:
                return permit
            if now >= self._until:
                self._until = now + self._policy.probe
                self._probe = permit
                return permit
            wait, reason = self._until - now, self._reason
        metrics.REFUSALS.labels(self.name).inc()
        raise BreakerOpen(f"{self.name} is not asked for another {wait:.1f} s: {reason}", retry_after=wait)

    def call(self, *, force: bool = False, patience: float | None = None) -> _Call:
        """A context manager around one call: its exception says how it went.

        A call that is cancelled shows nothing, unless it had waited for ``patience`` seconds: then it is an outage.
        """
        return _Call(self, force, patience)

    def report(self) -> BreakerReport:
        """The breaker now."""
        with self._lock:
            now = self.clock()
            wait = max(0.0, self._until - now) if self._round % 2 else 0.0
            state: State = "closed"
            if self._round % 2:
                state = "open" if wait and self._probe is None else "half-open"
            reason = self._reason if self._failures else ""
            return BreakerReport(self.name, state, self._failures, now - self._since, wait, reason)

    def _ended(self, permit: Permit, turn: int, failed: bool | None, reason: str) -> None:
        with self._lock:
            if self._probe is permit:
                self._probe = None
                if failed is None:
                    self._until = self.clock()  # its place is free again
            if turn != self._round or failed is None:
                return
            turned = self._fail(reason) if failed else self._recover()
        if turned and failed:
            metrics.OPENINGS.labels(self.name).inc()
            _log.warning("calls to %s are suspended", self.name, extra={"reason": reason})
        elif turned:
            _log.warning("%s answers again", self.name)

    def _fail(self, reason: str) -> bool:
        """Count an outage; whether the breaker opened."""
        self._failures += 1
        self._reason = reason[:_REASON_LENGTH]
        opens = self._round % 2 == 0
        if opens and self._failures < self._policy.failures:
            return False
        self._pause = self._policy.first_pause if opens else min(self._policy.longest_pause, self._pause * 2)
        self._until = self.clock() + self._pause * self._jitter()
        if opens:
            self._turn()
        return opens

    def _recover(self) -> bool:
        """Forget the outages; whether the breaker closed."""
        self._failures = 0
        if self._round % 2 == 0:
            return False
        self._turn()
        return True

    def _turn(self) -> None:
        self._round += 1
        self._since = self.clock()
        self._probe = None


_PROCESS: Final[weakref.WeakSet[Breaker]] = weakref.WeakSet()
_PROCESS_LOCK: Final = threading.Lock()
_RANK: Final[dict[State, int]] = {"closed": 0, "half-open": 1, "open": 2}


def breaker_reports() -> list[BreakerReport]:
    """Every breaker of this process, by name; of several for one part the one that is worst off."""
    with _PROCESS_LOCK:
        breakers = list(_PROCESS)
    worst: dict[str, BreakerReport] = {}
    for report in (breaker.report() for breaker in breakers):
        known = worst.get(report.name)
        if known is None or _RANK[report.state] > _RANK[known.state]:
            worst[report.name] = report
    return [worst[name] for name in sorted(worst)]

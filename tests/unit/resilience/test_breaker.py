"""The breaker's states, by a clock of its own."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airis_ray.errors import InvalidInput, Overloaded, Unavailable
from airis_ray.resilience import Breaker, BreakerOpen, BreakerPolicy, breaker_reports

POLICY = BreakerPolicy(failures=3, first_pause=1.0, longest_pause=4.0, probe=5.0)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("part", POLICY, clock=clock, jitter=lambda: 1.0)


def fail(breaker: Breaker, times: int = 1, reason: str = "no route") -> None:
    for _ in range(times):
        with pytest.raises(Unavailable, match=reason), breaker.call():
            raise Unavailable(reason)


def succeed(breaker: Breaker) -> None:
    with breaker.call():
        pass


def test_outages_in_a_row_open_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 2)
    succeed(breaker)
    fail(breaker, 2)
    assert breaker.report().state == "closed"
    fail(breaker)
    report = breaker.report()
    assert (report.state, report.failures, report.retry_in, report.reason) == ("open", 3, 1.0, "no route")
    clock.now += 0.25
    with pytest.raises(BreakerOpen, match=r"part is not asked for another 0\.8 s: no route") as refused:
        breaker.admit()
    assert refused.value.retry_after == 0.75
    assert breaker.report().seconds == 0.25


def test_one_probe_at_a_time_and_its_success_closes(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 1.0
    assert breaker.report().state == "half-open"
    probe = breaker.admit()
    with pytest.raises(BreakerOpen):
        breaker.admit()
    assert breaker.report().state == "half-open"
    probe.succeeded()
    report = breaker.report()
    assert (report.state, report.failures, report.reason, report.seconds) == ("closed", 0, "", 0.0)
    succeed(breaker)


def test_failing_probes_pause_twice_as_long_up_to_a_bound(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    pauses = []
    for _ in range(4):
        pauses.append(breaker.report().retry_in)
        clock.now += pauses[-1]
        fail(breaker)
    assert pauses == [1.0, 2.0, 4.0, 4.0]
    clock.now += 4.0
    succeed(breaker)
    fail(breaker, 3)
    assert breaker.report().retry_in == 1.0, "a recovered part begins anew"


def test_a_probe_that_hangs_gives_way_to_another(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 1.0
    hanging = breaker.admit()
    clock.now += 4.9
    with pytest.raises(BreakerOpen):
        breaker.admit()
    clock.now += 0.1
    breaker.admit().succeeded()
    assert breaker.report().state == "closed"
    hanging.failed("no answer within 60 s")
    assert breaker.report().failures == 0, "it began before the part was back"


def test_an_abandoned_probe_frees_its_place(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 1.0
    breaker.admit().abandoned()
    assert breaker.report().state == "half-open"
    succeed(breaker)
    assert breaker.report().state == "closed"


def test_calls_from_before_the_outage_say_nothing_new(breaker: Breaker, clock: Clock) -> None:
    early, late = breaker.admit(), breaker.admit()
    fail(breaker, 3)
    early.succeeded()
    assert breaker.report().state == "open"
    late.failed("also gone")
    assert breaker.report().retry_in == 1.0
    assert breaker.report().failures == 3


def test_a_forced_call_is_never_refused_and_counts(breaker: Breaker) -> None:
    fail(breaker, 3)
    with pytest.raises(Unavailable), breaker.call(force=True):
        raise Unavailable("still away")
    report = breaker.report()
    assert (report.state, report.retry_in, report.reason) == ("open", 2.0, "still away")
    with breaker.call(force=True):
        pass
    assert breaker.report().state == "closed"


def test_what_the_part_refuses_is_an_answer(breaker: Breaker) -> None:
    fail(breaker, 2)
    with pytest.raises(InvalidInput), breaker.call():
        raise InvalidInput("no such column")
    fail(breaker, 2)
    assert breaker.report().state == "closed"


@pytest.mark.parametrize("error", [BreakerOpen("other is not asked"), Overloaded("the queue is full")])
def test_what_never_reached_the_part_shows_nothing(breaker: Breaker, error: Exception) -> None:
    fail(breaker, 2)
    with pytest.raises(type(error)), breaker.call():
        raise error
    assert breaker.report().failures == 2


@pytest.mark.parametrize("error", [TimeoutError(), ConnectionResetError("reset"), Unavailable("away")])
def test_what_counts_as_an_outage(breaker: Breaker, error: Exception) -> None:
    with pytest.raises(type(error)), breaker.call():
        raise error
    report = breaker.report()
    assert report.failures == 1
    assert report.reason == (str(error) or "TimeoutError()")


async def test_a_cancelled_call_counts_after_its_patience_alone(breaker: Breaker, clock: Clock) -> None:
    async def wait(patience: float | None) -> None:
        with breaker.call(patience=patience):
            await asyncio.Event().wait()

    for patience, seconds, failures in ((None, 60.0, 0), (5.0, 4.0, 0), (5.0, 6.0, 1)):
        task = asyncio.create_task(wait(patience))
        await asyncio.sleep(0)
        clock.now += seconds
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert breaker.report().failures == failures


def test_the_first_ending_counts(breaker: Breaker) -> None:
    permit = breaker.admit()
    permit.failed("first")
    permit.failed("second")
    permit.succeeded()
    assert (breaker.report().failures, breaker.report().reason) == (1, "first")


def test_endings_come_from_any_thread(breaker: Breaker, clock: Clock) -> None:
    permits = [breaker.admit() for _ in range(200)]
    threads = [
        threading.Thread(target=lambda part=part: [each.failed("down") for each in part])
        for part in (permits[::2], permits[1::2])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (breaker.report().state, breaker.report().failures) == ("open", 3)
    clock.now += 1.0
    admitted = 0
    for _ in range(50):
        try:
            breaker.admit()
        except BreakerOpen:
            continue
        admitted += 1
    assert admitted == 1


def test_the_breakers_of_a_process_by_name_the_worst_of_each() -> None:
    name = "only-here"
    well, ill = Breaker(name), Breaker(name, BreakerPolicy(failures=1))
    fail(ill)
    (report,) = (report for report in breaker_reports() if report.name == name)
    assert report.state == "open"
    del well, ill
    gc.collect()
    assert name not in {report.name for report in breaker_reports()}


@given(st.lists(st.sampled_from(["ok", "fail", "give up", "wait"]), max_size=60), st.integers(0, 2**32))
def test_it_is_never_stuck(steps: list[str], seed: int) -> None:
    """Whatever happened: after the longest pause one call passes, and its success closes."""
    clock = Clock()
    breaker = Breaker("any", POLICY, clock=clock, jitter=lambda: 0.5 + (seed % 7) / 14)
    for step in steps:
        clock.now += 0.3
        if step == "wait":
            clock.now += 1.5
            continue
        try:
            permit = breaker.admit()
        except BreakerOpen:
            assert breaker.report().retry_in <= POLICY.probe
            continue
        {"ok": permit.succeeded, "fail": lambda p=permit: p.failed("x"), "give up": permit.abandoned}[step]()
    clock.now += max(POLICY.longest_pause, POLICY.probe)
    breaker.admit().succeeded()
    assert breaker.report().state == "closed"

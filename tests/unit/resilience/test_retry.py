"""Attempts in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from airis_ray.errors import InvalidInput, Unavailable
from airis_ray.resilience import Breaker, BreakerPolicy, Retry
from tests.support.virtual import run


class Flaky:
    """Away until a time of the loop."""

    def __init__(self, back: float, breaker: Breaker | None = None) -> None:
        self.back = back
        self.breaker = breaker
        self.asked: list[float] = []

    async def __call__(self) -> str:
        if self.breaker is None:
            return self.answer()
        with self.breaker.call():
            return self.answer()

    def answer(self) -> str:
        now = asyncio.get_running_loop().time()
        self.asked.append(now)
        if now < self.back:
            raise Unavailable("away")
        return "here"


def test_until_the_part_is_back() -> None:
    flaky = Flaky(2.0)
    assert run(Retry(within=10.0, first=0.1, longest=0.5).run(flaky)) == "here"
    pauses = [after - before for before, after in zip(flaky.asked, flaky.asked[1:], strict=False)]
    assert len(pauses) > 4
    assert max(pauses) <= 0.5
    assert pauses[0] <= 0.1


def test_no_attempt_begins_after_the_time_is_up() -> None:
    flaky = Flaky(100.0)
    with pytest.raises(Unavailable, match="away"):
        run(Retry(within=3.0).run(flaky))
    assert flaky.asked[-1] <= 3.0


def test_other_errors_are_raised_at_once() -> None:
    calls = []

    async def wrong() -> None:
        calls.append(1)
        raise InvalidInput("no")

    with pytest.raises(InvalidInput):
        run(Retry(within=3.0).run(wrong))
    assert len(calls) == 1


def test_an_open_breaker_is_waited_for_and_not_hammered() -> None:
    async def scenario() -> Flaky:
        loop = asyncio.get_running_loop()
        breaker = Breaker(
            "part", BreakerPolicy(failures=2, first_pause=1.0, longest_pause=1.0), clock=loop.time
        )
        flaky = Flaky(2.5, breaker)
        assert await Retry(within=8.0, first=0.1, longest=0.1).run(flaky) == "here"
        return flaky

    flaky = run(scenario())
    assert len(flaky.asked) <= 2 + 6  # two to open it, then one a pause of 0.5 to 1 s
    assert flaky.asked[-1] < 2.5 + 1.0 + 0.2


def test_an_open_breaker_beyond_the_time_is_told_at_once() -> None:
    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        breaker = Breaker("part", BreakerPolicy(failures=1, first_pause=10.0), clock=loop.time)
        flaky = Flaky(100.0, breaker)
        with pytest.raises(Unavailable):
            await flaky()
        with pytest.raises(Unavailable, match="part is not asked"):
            await Retry(within=4.0).run(flaky)
        return loop.time()

    assert run(scenario()) == 0.0

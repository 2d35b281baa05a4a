"""New anomalies on traces and logs have somebody look, a minute apart, until nothing waits."""

from __future__ import annotations

import asyncio

import pytest

from airis_ray.aiops.watch.explaining import Explaining
from airis_ray.aiops.watch.findings import Finding, Subject
from airis_ray.errors import Unavailable


def finding(signal: str) -> Finding:
    subject = Subject("cart", signal, "errors")
    return Finding("t", 1, subject, 0, 10**9, "point", 0.9, "above", 1.0, 2.0, "", "", "m")


class Looks:
    """Answers what is left, or fails; ``seen`` tells after each pause, which ends when the test says so."""

    def __init__(self, *answers: int | Exception, before: tuple[bool | Exception, ...] = (False,)) -> None:
        self.answers = list(answers)
        self.before = list(before)
        self.calls = 0
        self.pauses: list[float] = []
        self.seen = asyncio.Event()

    async def look(self) -> int:
        self.calls += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def waits(self) -> bool:
        answer = self.before.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seen.set()
        await asyncio.sleep(0)

    async def paused(self) -> None:
        async with asyncio.timeout(5):
            await self.seen.wait()
        self.seen.clear()


async def test_somebody_looks_until_nothing_waits() -> None:
    looks = Looks(2, 1, 0, 0)
    explaining = Explaining(looks.look, looks.waits, pause=looks.pause)
    explaining.told(finding("metrics"))
    for _ in range(10):
        await asyncio.sleep(0)
    assert looks.calls == 0
    explaining.told(finding("traces"))
    explaining.told(finding("logs"))
    while looks.calls < 3:
        await looks.paused()
    for _ in range(10):
        await asyncio.sleep(0)
    assert looks.calls == 3
    assert min(looks.pauses) >= 60
    explaining.told(finding("logs"))
    await looks.paused()
    assert looks.calls == 4
    await explaining.close()


async def test_failures_are_tried_again_and_not_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    looks = Looks(*[Unavailable("the store is away")] * 40, 0)
    explaining = Explaining(looks.look, looks.waits, pause=looks.pause)
    explaining.told(finding("traces"))
    while looks.calls < 40:
        await looks.paused()
    for _ in range(10):
        await asyncio.sleep(0)
    assert looks.calls == 40
    assert 120 <= looks.pauses[0] <= 180
    assert max(looks.pauses) <= 900
    assert sum(looks.pauses) > 6 * 3600
    assert "the store is away" in caplog.records[0].reason  # type: ignore[attr-defined] # an extra of the record
    explaining.told(finding("traces"))
    await looks.paused()
    assert looks.calls == 41
    await explaining.close()


@pytest.mark.parametrize(
    ("before", "calls"), [((True,), 1), ((False,), 0), ((Unavailable("not up yet"), True), 1)]
)
async def test_what_waited_when_the_watcher_ended_is_looked_for(
    before: tuple[bool | Exception, ...], calls: int
) -> None:
    looks = Looks(0, before=before)
    explaining = Explaining(looks.look, looks.waits, pause=looks.pause)
    for _ in range(20):
        await asyncio.sleep(0)
    assert looks.calls == calls
    assert looks.before == []
    await explaining.close()

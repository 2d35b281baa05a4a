"""What a recorder sees of a visitor: pages, the mouse, typing, requests, errors, and impatience."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from airis_ray.demo import rrweb
from airis_ray.demo.rrweb import Event, Page
from airis_ray.demo.world.pages import HEIGHT, WIDTH, Visit, page

_MS: Final = 1_000_000
_SLOW: Final = 1500
"""Milliseconds after which the page complains about a request."""
_PATHS: Final = {"home": "/", "cart": "/cart", "checkout": "/checkout"}


@dataclass(frozen=True)
class Answer:
    """What came back for a visit's request; times in nanoseconds, ids in hex."""

    start: int
    end: int
    status: int
    said: str
    trace: str
    span: str
    amount: int
    items: int

    @property
    def failed(self) -> bool:
        """Whether the visitor did not get what was asked for."""
        return self.status >= 400


class Screen:
    """A visitor's browser, visit after visit."""

    def __init__(self, rng: np.random.Generator, product: str, method: str) -> None:
        self._rng, self._product, self._method = rng, product, method
        self._page: Page | None = None
        self._name = ""
        self._last = 0
        self._mouse = (WIDTH // 2, HEIGHT // 2)

    def visit(self, visit: Visit, answer: Answer, leaves: int) -> Iterator[Event]:
        """The events of a visit, in order of time; ``leaves`` (ms) is when the next one begins."""
        start, end = answer.start // _MS, max(answer.end // _MS, answer.start // _MS + 1)
        events: list[Event] = []
        if not visit.navigates and self._name != visit.page:
            events += self._load(visit.page, start - visit.lead_ms + 100, answer)
        if visit.click and visit.navigates and self._page is not None and visit.click in self._page.names:
            events += self._clicked(visit.click, start - 120)
        if visit.navigates:
            events += self._load(visit.page, end + 40, answer)
        elif visit.click:
            events += self._acted(visit, start)
        events += self._answered(visit, answer, start, end)
        if visit.click == "pay" and answer.failed:
            events += self._rage(end + 300)
        events += self._looked(end + 2500, leaves - 400)
        for event in sorted(events, key=lambda event: event["timestamp"]):
            # Answers may overtake each other; a recorder's events are always in order.
            self._last = event["timestamp"] = max(event["timestamp"], self._last)
            yield event

    def _load(self, name: str, time: int, answer: Answer) -> list[Event]:
        self._page = Page(page(name, self._product, answer.amount, answer.items))
        self._name = name
        path = _PATHS.get(name, f"/product/{self._product}")
        return [self._page.meta(time, path), self._page.snapshot(time + 1)]

    def _acted(self, visit: Visit, start: int) -> list[Event]:
        """A click that makes a request without leaving the page; the order form is filled in before."""
        assert self._page is not None
        events: list[Event] = []
        if visit.click == "pay":
            events += self._page.type(start - 7800, "name", "홍길동")
            events += self._page.type(start - 6000, "address", "서울시 중구 세종대로")
            events += self._page.type(start - 2800, "method", self._method)[-1:]
        return events + self._clicked(visit.click, start - 120)

    def _answered(self, visit: Visit, answer: Answer, start: int, end: int) -> list[Event]:
        assert self._page is not None
        method, path = visit.route.removeprefix("frontend/").split(" ", 1)
        path = path.replace("{id}", self._product)
        # A page's own request is known once its recorder runs.
        told = end + 50 if visit.navigates else end
        events = [rrweb.network(told, method, path, answer.status, told - start, answer.trace, answer.span)]
        if answer.status >= 500:
            events.append(rrweb.console(told + 2, "error", f"{method} {path} {answer.status}: {answer.said}"))
        elif answer.failed:
            events.append(rrweb.console(told + 2, "warn", f"{method} {path} {answer.status}"))
        elif end - start > _SLOW:
            events.append(rrweb.console(told + 2, "warn", f"{method} {path} took {end - start} ms"))
        elif self._rng.random() < 0.12:
            events.append(rrweb.console(told + 2, "log", f"rendered {self._name}"))
        if "message" in self._page.names and visit.click:
            texts = {"pay": "주문이 완료되었습니다", "add": "장바구니에 담았습니다"}
            text = "요청이 실패했습니다" if answer.failed else texts.get(visit.click, "")
            if text:
                style = "error" if answer.failed else "ok"
                events.append(self._page.say(end + 60, "message", text, style))
        return events

    def _rage(self, time: int) -> list[Event]:
        """Four to eight clicks on the pay button within a second and a half."""
        assert self._page is not None
        x, y = self._mouse
        events: list[Event] = []
        for _ in range(int(self._rng.integers(4, 9))):
            events += self._page.click(time, "pay", x, y)
            time += int(self._rng.integers(110, 210))
        return events

    def _looked(self, time: int, until: int) -> list[Event]:
        """Mouse and scrolling while a page is read."""
        assert self._page is not None
        events: list[Event] = []
        until = min(until, time + 20_000)
        while time < until:
            if self._rng.random() < 0.75:
                events.append(self._moved(time, self._somewhere()))
            else:
                events.append(self._page.scroll(time, int(self._rng.integers(0, 900))))
            time += int(self._rng.integers(700, 3500))
        return events

    def _clicked(self, name: str, time: int) -> list[Event]:
        assert self._page is not None
        target = self._somewhere()
        return [self._moved(time - 20, target), *self._page.click(time, name, *target)]

    def _moved(self, time: int, target: tuple[int, int]) -> Event:
        assert self._page is not None
        (x, y), steps = self._mouse, 6
        path = [
            (x + (target[0] - x) * step // steps, y + (target[1] - y) * step // steps, (step - steps) * 50)
            for step in range(1, steps + 1)
        ]
        self._mouse = target
        return self._page.move(time, path)

    def _somewhere(self) -> tuple[int, int]:
        return int(self._rng.integers(40, WIDTH - 40)), int(self._rng.integers(90, HEIGHT - 40))

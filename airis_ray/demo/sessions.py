"""Browser sessions: visitors whose screen is recorded while their requests run through the shop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import orjson

from airis_ray.demo import failures as failing
from airis_ray.demo import wire
from airis_ray.demo.chance import generator
from airis_ray.demo.plan import Plan
from airis_ray.demo.recording import Answer, Screen
from airis_ray.demo.rows import Rows, head
from airis_ray.demo.rrweb import Event
from airis_ray.demo.season import NS
from airis_ray.demo.simulate import Spans
from airis_ray.demo.traffic import Requests, Traffic
from airis_ray.demo.wire import Ints
from airis_ray.demo.world import vocabulary as words
from airis_ray.demo.world.operations import ROUTES
from airis_ray.demo.world.pages import ADD, BACK, CART, LANDING, PAY, PRODUCT, Visit

SESSIONS_PER_REQUEST: Final = 0.0025
"""Recorded sessions for each request of the traffic: about 400 a day."""
CHUNK: Final = 8192
"""Characters of one log record's body; a longer event comes in several."""
_ROUTE: Final = {route.operation: number for number, route in enumerate(ROUTES)}
_MS: Final = 1_000_000


@dataclass
class Session:
    """A visitor on the way: ``visits`` are still to come, each with its time in nanoseconds."""

    number: int
    id: str
    user: int
    browser: int
    method: int
    product: int
    rng: np.random.Generator
    screen: Screen
    visits: list[tuple[int, Visit]] = field(default_factory=list)
    events: int = 0
    records: int = 0


class Sessions:
    """Starts sessions, adds their requests to the traffic, and records what they see; blocks come in order.

    ``heads`` is where the sessions' resources are added, behind the pods'.
    """

    def __init__(self, plan: Plan, traffic: Traffic, heads: list[tuple[bytes, bytes]]) -> None:
        self._plan, self._traffic, self._heads = plan, traffic, heads
        self._first_head = len(heads)
        self._open: dict[int, Session] = {}
        self._asked: list[tuple[Session, Visit, int]] = []
        self.ids: list[str] = []

    def join(self, requests: Requests, start: int, end: int) -> Requests:
        """The block's requests with those of the sessions among them, in order of time."""
        for time in self._arrivals(start, end).tolist():
            session = self._started(time)
            self._open[session.number] = session
        asked: list[tuple[int, Session, Visit, int]] = []
        for session in self._open.values():
            while session.visits and session.visits[0][0] < end:
                time, visit = session.visits.pop(0)
                leaves = session.visits[0][0] - session.visits[0][1].lead_ms * _MS if session.visits else 0
                asked.append((time, session, visit, leaves))
        asked.sort(key=lambda item: (item[0], item[1].number))
        self._asked = [item[1:] for item in asked]
        if not asked:
            return requests
        ours = self._requests(np.array([item[0] for item in asked], np.int64), start)
        both = Requests.concat([requests, ours])
        return both.of(np.argsort(both.time, kind="stable"))

    def record(self, found: list[Spans]) -> Rows:
        """What the sessions' browsers recorded, framed as log records; to be called after the block's simulation."""
        answers = {number: answer for spans in found if spans.kind.root for number, answer in _answers(spans)}
        data: list[bytes] = []
        resource: list[int] = []
        time: list[int] = []
        for place, (session, visit, leaves) in enumerate(self._asked):
            answer = answers.get(place)
            if answer is None:
                session.visits.clear()
                continue
            for event in session.screen.visit(visit, answer, (leaves or answer.end + 4000 * _MS) // _MS):
                for record in _records(session, event):
                    data.append(record)
                    resource.append(self._first_head + session.number)
                    time.append(event["timestamp"] * _MS)
        self._open = {number: session for number, session in self._open.items() if session.visits}
        return Rows(wire.pool(data), np.array(resource, np.int64), np.array(time, np.int64))

    def _arrivals(self, start: int, end: int) -> Ints:
        rng = generator(self._plan.seed, "sessions", start // NS)
        middle = np.array([(start + end) // 2])
        season = float(self._traffic.season.intensity(middle)[0])
        mean = self._plan.rate * season * SESSIONS_PER_REQUEST * (end - start) / NS
        count = int(rng.poisson(mean))
        return np.sort(start + ((end - start) * rng.random(count)).astype(np.int64))

    def _started(self, time: int) -> Session:
        number = len(self.ids)
        rng = generator(self._plan.seed, "session", time // _MS)
        users = self._traffic.users
        user = int(words.USERS * rng.random() ** words.USER_SKEW)
        browser = int(users.browser[user]) % (len(words.BROWSERS) - 1)
        product = int(rng.integers(len(words.PRODUCTS)))
        name = rng.bytes(16).hex()
        screen = Screen(rng, words.PRODUCTS[product], words.METHODS[users.method[user]])
        session = Session(number, name, user, browser, int(users.method[user]), product, rng, screen)
        session.visits = list(_journey(rng, time))
        self.ids.append(name)
        self._heads.append(head(_resource(session, self._traffic), "rum.rr-web"))
        return session

    def _requests(self, times: Ints, start: int) -> Requests:
        rng = generator(self._plan.seed, "session-requests", start // NS)
        numbers = np.arange(len(times))
        drawn = self._traffic.requests(rng, times, np.zeros(len(times), bool), numbers)
        sessions = [session for session, _, _ in self._asked]
        user = np.array([session.user for session in sessions])
        return replace(
            drawn,
            route=np.array([_ROUTE[visit.route] for _, visit, _ in self._asked]),
            site=self._traffic.users.site[user],
            user=user,
            browser=np.array([session.browser for session in sessions]),
            product=np.array([session.product for session in sessions]),
            method=np.array([session.method for session in sessions]),
            visitor=np.array([session.number for session in sessions]),
        )


def _journey(rng: np.random.Generator, time: int) -> Iterator[tuple[int, Visit]]:
    """What a visitor does, with its times: pages are looked at for seconds to minutes."""
    stops: list[tuple[Visit, ...]] = [LANDING]
    for _ in range(int(rng.integers(1, 4))):
        stops.append(PRODUCT)
        if rng.random() < 0.6:
            stops.append(ADD)
        if rng.random() < 0.3:
            stops.append(BACK)
    if stops[-1] is BACK:
        stops.append(PRODUCT)
    if rng.random() < 0.75:
        stops.append(CART)
        if rng.random() < 0.7:
            stops.append(PAY)
    for stop in stops:
        time += stop[0].lead_ms * _MS
        for number, visit in enumerate(stop):
            yield time + number * int(rng.integers(80, 400)) * _MS, visit
        time += int(6_000 + min(rng.exponential(28_000), 240_000)) * _MS


def _answers(spans: Spans) -> Iterator[tuple[int, Answer]]:
    """What the frontend answered to the block's session requests, by their place among them."""
    for row in np.flatnonzero(spans.requests.session[spans.rows] >= 0).tolist():
        at = spans.rows[row]
        requests = spans.requests
        yield (
            int(requests.session[at]),
            Answer(
                start=int(spans.start[row]),
                end=int(spans.end[row]),
                status=int(failing.HTTP[spans.failure[row]]),
                said=failing.TABLE[spans.failure[row]].message,
                trace=requests.trace[at].tobytes().hex(),
                span=int(spans.span[row]).to_bytes(8, "little").hex(),
                amount=int(requests.amount[at]),
                items=int(requests.items[at]),
            ),
        )


def _records(session: Session, event: Event) -> Iterator[bytes]:
    """The log records of one event, as the HyperDX browser SDK sends them, framed."""
    text = orjson.dumps(event).decode()
    chunks = [text[at : at + CHUNK] for at in range(0, len(text), CHUNK)]
    session.events += 1
    time = np.int64(event["timestamp"] * _MS).tobytes()
    for number, chunk in enumerate(chunks, 1):
        session.records += 1
        numbers: dict[str, Any] = {
            "rr-web.offset": session.records,
            "rr-web.event": session.events,
            "rr-web.chunk": number,
            "rr-web.total-chunks": len(chunks),
        }
        body = wire.field(5, wire.field(1, chunk)) + wire.attributes(6, numbers)
        yield wire.field(2, wire.tag(1, 1) + time + body + wire.tag(11, 1) + time)


def _resource(session: Session, traffic: Traffic) -> bytes:
    users = traffic.users
    described: dict[str, wire.Attribute] = {
        "service.name": "frontend",
        "service.namespace": "shop",
        "deployment.environment.name": "production",
        "telemetry.sdk.language": "webjs",
        "telemetry.sdk.name": "@hyperdx/browser",
        "rum.sessionId": session.id,
        "user_agent.name": words.BROWSERS[session.browser],
        "app.user.id": f"user-{session.user:05d}",
        "app.user.tier": words.TIERS[users.tier[session.user]][0],
        "app.country": words.COUNTRIES[users.country[session.user]][0],
    }
    return wire.attributes(1, described)

"""Who asks for what, when: the requests of a block."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from airis_ray.demo.chance import generator, pick
from airis_ray.demo.faults import by_name
from airis_ray.demo.plan import Plan
from airis_ray.demo.season import NS, Season
from airis_ray.demo.wire import Ints
from airis_ray.demo.world import vocabulary as words
from airis_ray.demo.world.operations import ROUTES
from airis_ray.demo.world.services import SEOUL, STAGING, STAGING_SHARE, VIRGINIA

_BIN = 5 * NS
SPIKE = 7.0
"""A traffic spike adds this many times the traffic, so that eight times remain."""
_CURL = words.BROWSERS.index("curl")


@dataclass(frozen=True)
class Requests:
    """Requests, one row each.

    ``session`` numbers the block's requests of recorded browser sessions, ``visitor`` their sessions; -1 for none.
    """

    time: Ints
    route: Ints
    site: Ints
    user: Ints
    browser: Ints
    product: Ints
    items: Ints
    amount: Ints
    method: Ints
    reason: Ints
    order: npt.NDArray[np.uint64]
    trace: npt.NDArray[np.uint8]
    session: Ints
    visitor: Ints

    def __len__(self) -> int:
        return len(self.time)

    def of(self, rows: npt.NDArray[np.int64]) -> Requests:
        """Some of the requests."""
        return Requests(*(getattr(self, item.name)[rows] for item in fields(self)))

    @staticmethod
    def concat(parts: list[Requests]) -> Requests:
        """All of ``parts``, in order."""
        names = [item.name for item in fields(Requests)]
        return Requests(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class Users:
    """The shop's customers: what stays the same about each."""

    def __init__(self, seed: int) -> None:
        rng = generator(seed, "users")
        count = words.USERS
        self.country = pick(tuple(share for _, share in words.COUNTRIES), rng.random(count))
        self.tier = pick(tuple(share for _, share in words.TIERS), rng.random(count))
        self.flag = pick(tuple(share for _, share in words.FLAGS), rng.random(count))
        self.browser = np.zeros(count, np.int64)
        self.method = np.zeros(count, np.int64)
        browser, method = rng.random(count), rng.random(count)
        for number, (country, _) in enumerate(words.COUNTRIES):
            here = self.country == number
            self.browser[here] = pick(words.BROWSER_SHARES[country], browser[here])
            self.method[here] = pick(words.METHOD_SHARES[country], method[here])
        abroad = [country in words.AT_VIRGINIA for country, _ in words.COUNTRIES]
        self.site = np.where(np.array(abroad)[self.country], VIRGINIA, SEOUL)


class Traffic:
    """Draws the requests of one stretch of time after the other."""

    def __init__(self, plan: Plan, season: Season) -> None:
        self.plan, self.season = plan, season
        self.users = Users(plan.seed)
        self._spikes = by_name(plan.faults, "traffic-spike")

    def intensity(self, times: Ints) -> npt.NDArray[np.float64]:
        """Expected requests/s at the frontend."""
        return self.plan.rate * self.season.intensity(times) * (1.0 + SPIKE * self._spiking(times))

    def draw(self, start: int, end: int) -> Requests:
        """The requests that arrive in ``[start, end)``, in order of time."""
        rng = generator(self.plan.seed, "traffic", start // NS)
        edges = np.append(np.arange(start, end, _BIN), end)
        middle, width = (edges[:-1] + edges[1:]) // 2, np.diff(edges)
        mean = self.plan.rate * self.season.intensity(middle) * width / NS
        usual = self._arrivals(rng, edges, mean)
        extra = self._arrivals(rng, edges, mean * SPIKE * self._spiking(middle))
        time = np.concatenate([usual, extra])
        spike = np.arange(len(time)) >= len(usual)
        order = np.argsort(time, kind="stable")
        return self.requests(rng, time[order], spike[order])

    def requests(
        self, rng: np.random.Generator, time: Ints, spike: npt.NDArray[np.bool_], session: Ints | None = None
    ) -> Requests:
        """Everything else about requests at ``time``; those of a ``spike`` come from one user agent."""
        count = len(time)
        user = (words.USERS * rng.random(count) ** words.USER_SKEW).astype(np.int64)
        staging = rng.random(count) < STAGING_SHARE
        method = np.where(
            rng.random(count) < 0.8, self.users.method[user], rng.integers(0, len(words.METHODS), count)
        )
        items = 1 + np.minimum(rng.geometric(0.22, count) - 1, 28)
        price = 9_000 * np.exp(0.6 * rng.standard_normal(count))
        route = pick(tuple(route.weight for route in ROUTES), rng.random(count))
        return Requests(
            time=time,
            route=np.where(spike, np.where(rng.random(count) < 0.8, 1, 0), route),
            site=np.where(staging, STAGING, self.users.site[user]),
            user=user,
            browser=np.where(spike, _CURL, self.users.browser[user]),
            product=(len(words.PRODUCTS) * rng.random(count) ** 1.6).astype(np.int64),
            items=items,
            amount=np.clip(items * price / 100, 20, 40_000).astype(np.int64) * 100,
            method=method,
            reason=pick(words.REASON_SHARES, rng.random(count)),
            order=rng.integers(0, 1 << 40, count, dtype=np.uint64),
            trace=rng.integers(0, 256, (count, 16), dtype=np.uint8),
            session=np.full(count, -1, np.int64) if session is None else session,
            visitor=np.full(count, -1, np.int64),
        )

    def _spiking(self, times: Ints) -> npt.NDArray[np.float64]:
        out = np.zeros(len(times))
        for fault in self._spikes:
            out[fault.active(times)] = 1.0
        return out

    @staticmethod
    def _arrivals(rng: np.random.Generator, edges: Ints, mean: npt.NDArray[np.float64]) -> Ints:
        counts = rng.poisson(mean)
        first = np.repeat(edges[:-1], counts)
        width = np.repeat(np.diff(edges), counts)
        return first + (width * rng.random(len(first))).astype(np.int64)

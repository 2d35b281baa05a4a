"""How fast recordings come in, and how fast the list of sessions answers.

``python -m benchmarks.replay`` sends ``--sessions`` sessions (default 20) of ``--mb`` MB each in chunks of
``--chunk-kb`` to the ingest application under uvicorn, over the embedded store and local blocks, each its own process,
``--together`` chunks at a time, and prints MB of JSON a second and core: the CPU of both processes, all threads; what
sends is not counted. A session's chunks come one after the other; with ``--spread`` every session sends its first
before any sends its second, as a thousand visitors do. ``--seconds`` ends the sending early. Beside it, on the same
bytes: zstd alone at the same level (the physical limit: every byte has to be compressed), orjson alone (read and
written once), and the chunks' own work without a server. Then it puts ``--listed`` summaries into a store and asks for
pages of the list.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import aiohttp
import httpx
import orjson
import zstandard

from airis_ray.garbage import collect_rarely
from airis_ray.replay.app import create_app as create_replay
from airis_ray.replay.masking import Masker
from airis_ray.replay.plain import read_chunk
from airis_ray.replay.summary import Summary
from airis_ray.replay.tables import SESSIONS, session_rows
from airis_ray.settings import Settings
from airis_ray.settings.replay import ReplaySettings
from airis_ray.store.migrate import migrate
from airis_ray.store.protocol import Store
from airis_ray.web.auth import ALL_SCOPES, Guard, Principal
from benchmarks.instance import Instance, parts
from benchmarks.recordings import WORDS, chunks
from benchmarks.report import Stopwatch, machine, quiet
from tests.support.local_store import LocalStore

_TENANT: Final = "bench"


class Anybody:
    """Every key may do everything in one tenant."""

    async def verify(self, key: str) -> Principal | None:
        return Principal(key, _TENANT, ALL_SCOPES)


def rate(what: str, nbytes: int, work: Callable[[], object]) -> None:
    """Print the MB a second of CPU that ``work`` goes through."""
    best = min(_cpu(work) for _ in range(3))
    print(f"  {what:<46}{nbytes / best / 1e6:9.1f} MB/s per core", flush=True)


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def limits(flat: Sequence[bytes]) -> None:
    """What the bytes cost without a server."""
    total = sum(map(len, flat))
    packer = zstandard.ZstdCompressor(level=3)
    packed = sum(len(packer.compress(body)) for body in flat)
    rate(
        f"zstd alone ({total / packed:.1f}:1), the limit",
        total,
        lambda: [packer.compress(body) for body in flat],
    )
    rate("orjson alone, read and written", total, lambda: [orjson.dumps(orjson.loads(body)) for body in flat])
    masker = Masker(ReplaySettings())
    rate("a chunk read, masked and packed", total, lambda: [read_chunk(body, masker) for body in flat])


async def intake(options: argparse.Namespace) -> None:
    """Send the sessions, as many chunks at a time as a replica would see."""
    rng = random.Random(1)
    start = time.time_ns() // 10**6 - 600_000
    pattern = [chunks(rng, options.mb * 10**6, options.chunk_kb * 1000, f"s{n}", start) for n in range(4)]
    flat = [body for bodies in pattern for body in bodies]
    size = sum(map(len, flat)) / len(pattern) / 1e6
    print(f"{options.sessions} sessions of {size:.1f} MB, {len(flat) // 4} chunks each", flush=True)
    limits(flat)
    with parts() as instance:
        sender = Sender(instance, pattern, options)
        ingest = [pid for pid in instance.pids if pid not in instance.store_pids]
        with Stopwatch(ingest, own=False) as outer, Stopwatch(instance.store_pids, own=False) as inner:
            await sender.send()
            await quiet(instance.pids)  # the last summaries, and the merges
        cpu = outer.cpu + inner.cpu
        print(
            f"  {'POST /v1/replay, ingest and store':<46}{sender.sent / cpu / 1e6:9.1f} MB/s per core   ("
            f"{sender.chunks} chunks of {sender.sessions} sessions, {sender.sent / sender.wall / 1e6:.1f} MB/s by "
            f"the clock;\n  a chunk: ingest {outer.cpu / sender.chunks * 1e3:.1f} ms of CPU, store "
            f"{inner.cpu / sender.chunks * 1e3:.1f} ms)",
            flush=True,
        )


class Sender:
    """Sends sessions made of a pattern of chunks; what was taken stands in its counters."""

    def __init__(
        self, instance: Instance, pattern: Sequence[list[bytes]], options: argparse.Namespace
    ) -> None:
        self._instance = instance
        self._pattern = pattern
        self._options = options
        self.sent = self.chunks = self.sessions = 0
        self.wall = 0.0

    async def send(self) -> None:
        """Return when all of it is acknowledged, or the time is over."""
        queue = iter(self._lanes())
        begun = time.perf_counter()
        headers = {"authorization": f"Bearer {self._instance.key}", "content-type": "application/json"}
        async with aiohttp.ClientSession(headers=headers) as client:

            async def work() -> None:
                for lane in queue:
                    for number, place in lane:
                        if time.perf_counter() - begun > self._options.seconds:
                            return
                        await self._post(client, number, place)

            await asyncio.gather(*(work() for _ in range(self._options.together)))
        self.wall = time.perf_counter() - begun

    def _lanes(self) -> Iterator[list[tuple[int, int]]]:
        """Runs of (session, chunk) that are sent one after the other."""
        sessions, places = range(self._options.sessions), range(len(self._pattern[0]))
        if self._options.spread:
            return ([(number, place)] for place in places for number in sessions)
        return ([(number, place) for place in places] for number in sessions)

    async def _post(self, client: aiohttp.ClientSession, number: int, place: int) -> None:
        bodies = self._pattern[number % len(self._pattern)]
        if place >= len(bodies):
            return
        named = bodies[place].replace(b'"session_id":"s', b'"session_id":"n%d-s' % number, 1)
        async with client.post(f"{self._instance.url}/v1/replay", data=named) as answer:
            assert answer.status == 202, await answer.text()
        self.sent += len(named)
        self.chunks += 1
        self.sessions += place == 0


async def listing(store: Store, settings: Settings, options: argparse.Namespace) -> None:
    """Fill the table of summaries, ask for pages."""
    rng = random.Random(2)
    now = time.time_ns() // 10**6
    for first in range(0, options.listed, 10_000):
        rows = []
        for number in range(first, min(first + 10_000, options.listed)):
            begun = now - rng.randrange(86_400_000)
            urls = [f"https://shop.example/{word}/{rng.randrange(50)}" for word in rng.choices(WORDS, k=5)]
            summary = Summary(
                begun, begun + rng.randrange(600_000), f"u-{number % 5000}", "web", "1.0", "Mozilla/5.0", urls[0], urls,
                clicks=rng.randrange(50), rage_clicks=int(rng.random() < 0.02), errors=int(rng.random() < 0.05),
                copies=9,
            )  # fmt: skip
            rows.append((f"{rng.getrandbits(128):032x}", summary, [begun]))
        await store.insert(SESSIONS, session_rows("listed", rows))

    class Reader:
        async def verify(self, key: str) -> Principal | None:
            return Principal(key, "listed", ALL_SCOPES)

    app = create_replay(settings, store, Guard(settings, Reader()))
    transport = httpx.ASGITransport(app, root_path="/api/replay")
    headers = {"authorization": "Bearer x"}
    print(f"list of {options.listed} sessions of one day, pages of 100")
    async with httpx.AsyncClient(
        transport=transport, base_url="http://airis/api/replay", headers=headers
    ) as client:
        for query in ("", "rage_clicks:>0", "user:u-17", "결제 errors:>0"):
            took = []
            for _ in range(options.runs):
                start = time.perf_counter()
                answer = await client.get("/sessions", params={"query": query, "from": "now-25h"})
                took.append(time.perf_counter() - start)
                assert answer.status_code == 200, answer.text
            took.sort()
            p50, p95 = took[len(took) // 2], took[int(len(took) * 0.95)]
            print(f"  {query or '(all)':<24} p50 {p50 * 1e3:6.1f} ms   p95 {p95 * 1e3:6.1f} ms", flush=True)


async def main(options: argparse.Namespace) -> None:
    """Both parts."""
    collect_rarely()  # as an ingest replica does
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        store = LocalStore(f"{folder}/store")
        settings = Settings(data_dir=Path(folder))
        await migrate(store, settings=settings)
        if not options.only_list:
            await intake(options)
        if options.listed:
            await listing(store, settings, options)
        await store.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--mb", type=int, default=5)
    parser.add_argument("--chunk-kb", type=int, default=250)
    parser.add_argument("--together", type=int, default=32)
    parser.add_argument("--spread", action="store_true")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--listed", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--only-list", action="store_true")
    asyncio.run(main(parser.parse_args()))

"""How fast recordings come in, and how fast the list of sessions answers.

``python -m benchmarks.replay`` sends ``--sessions`` sessions (default 20) of ``--mb`` MB each to the ingest application
in chunks of ``--chunk-kb``, in this process without a network, over an embedded store and a local object store, and
prints MB of JSON a second and core: CPU of this process, all its threads. Beside it, on the same bytes: zstd alone at
the same level (the physical limit: every byte has to be compressed), and orjson alone (read and written once).
Then it puts ``--listed`` summaries into the store and asks for pages of the list.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import zstandard

from airis_ray.ingest.app import create_app as create_ingest
from airis_ray.ingest.collecting import collect_rarely
from airis_ray.ingest.intake import Intake
from airis_ray.replay.app import create_app as create_replay
from airis_ray.replay.masking import Masker
from airis_ray.replay.plain import read_chunk
from airis_ray.replay.summary import Summary
from airis_ray.replay.tables import SESSIONS, session_rows
from airis_ray.settings import Settings
from airis_ray.store.migrate import migrate
from airis_ray.store.protocol import Store
from airis_ray.web.auth import ALL_SCOPES, Guard, Principal
from benchmarks.report import machine
from tests.support.local_store import LocalStore

_TENANT: Final = "bench"
_WORDS: Final = (
    "cart", "checkout", "product", "review", "shipping", "coupon", "account", "order", "결제", "장바구니", "주문",
    "배송",
)  # fmt: skip


class Anybody:
    """Every key may do everything in one tenant."""

    async def verify(self, key: str) -> Principal | None:
        return Principal(key, _TENANT, ALL_SCOPES)


def chunks(rng: random.Random, nbytes: int, chunk: int, session: str, start: int) -> list[bytes]:
    """A session's requests: a snapshot, then moves, changes of the page, input, clicks, console and network."""
    bodies: list[bytes] = []
    at, number, done = start, 1, 0
    while done < nbytes:
        events: list[dict[str, Any]] = []
        size = 0
        if not bodies:
            number, page = _page(rng, 900, number)
            view = {"href": "https://shop.example/cart", "width": 1, "height": 1}
            events.append({"type": 4, "data": view, "timestamp": at})
            events.append({"type": 2, "data": {"node": page}, "timestamp": at})
            size = len(orjson.dumps(events))
        while size < chunk:
            at += 50
            number, event = _event(rng, number, at)
            events.append(event)
            size += len(orjson.dumps(event))
        metadata = {"sequence": len(bodies), "tab": "t", "user": "u", "service": "web"}
        bodies.append(orjson.dumps({"session_id": session, "events": events, "metadata": metadata}))
        done += size
    return bodies


def _page(rng: random.Random, nodes: int, number: int) -> tuple[int, dict[str, Any]]:
    children = []
    for _ in range(nodes):
        number, node = _node(rng, number)
        children.append(node)
    html = {"type": 2, "tagName": "html", "attributes": {}, "childNodes": children, "id": 2}
    return number, {"type": 0, "childNodes": [html], "id": 1}


def _node(rng: random.Random, number: int) -> tuple[int, dict[str, Any]]:
    said = " ".join(rng.choices(_WORDS, k=rng.randrange(2, 14)))
    tag = "input" if rng.random() < 0.03 else rng.choice(("div", "p", "span", "li", "a"))
    attributes = {
        "class": f"{rng.choice(_WORDS)}-{rng.randrange(40)} col",
        "data-v": f"{rng.getrandbits(32):x}",
    }
    if tag == "input":
        attributes["value"] = said
    text = {"type": 3, "textContent": said, "id": number + 1}
    node = {"type": 2, "tagName": tag, "attributes": attributes, "childNodes": [text], "id": number}
    return number + 2, node


def _event(rng: random.Random, number: int, at: int) -> tuple[int, dict[str, Any]]:
    kind = rng.random()
    if kind < 0.35:
        positions = [
            {"x": rng.randrange(1500), "y": rng.randrange(900), "id": number, "timeOffset": -50 * n}
            for n in range(8)
        ]
        data: dict[str, Any] = {"source": 1, "positions": positions}
    elif kind < 0.85:
        adds = []
        for _ in range(rng.randrange(1, 12)):
            number, node = _node(rng, number)
            adds.append({"parentId": 2, "nextId": None, "node": node})
        style = {"style": {"transform": f"translate({rng.random()}px)"}}
        data = {
            "source": 0,
            "texts": [],
            "attributes": [{"id": 2, "attributes": style}],
            "removes": [],
            "adds": adds,
        }
    elif kind < 0.92:
        data = {"source": 3, "id": 1, "x": 0, "y": rng.randrange(9000)}
    elif kind < 0.95:
        data = {"source": 2, "type": 2, "id": number, "x": rng.randrange(1500), "y": rng.randrange(900)}
    elif kind < 0.97:
        data = {"source": 5, "text": "my own text", "isChecked": False, "id": 9}
    else:
        payload = {"level": "log", "text": f"user{rng.randrange(99)}@example.com paid {rng.choice(_WORDS)}"}
        return number, {"type": 5, "data": {"tag": "airis.console", "payload": payload}, "timestamp": at}
    return number, {"type": 3, "data": data, "timestamp": at}


def rate(what: str, nbytes: int, work: Callable[[], object]) -> None:
    """Print the MB a second of CPU that ``work`` goes through."""
    best = min(_cpu(work) for _ in range(3))
    print(f"  {what:<46}{nbytes / best / 1e6:9.1f} MB/s per core", flush=True)


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


async def intake(store: Store, settings: Settings, options: argparse.Namespace) -> Intake:
    """Send the sessions, as many at a time as a replica would see; what took them in, still open."""
    rng = random.Random(1)
    start = time.time_ns() // 10**6 - 600_000
    pattern = [chunks(rng, options.mb * 10**6, options.chunk_kb * 1000, f"s{n}", start) for n in range(4)]
    flat = [body for bodies in pattern for body in bodies]
    total = sum(map(len, flat))
    print(f"{options.sessions} sessions of {total / len(pattern) / 1e6:.1f} MB, {len(flat) // 4} chunks each")
    packer = zstandard.ZstdCompressor(level=3)
    packed = sum(len(packer.compress(body)) for body in flat)
    rate(
        f"zstd alone ({total / packed:.1f}:1), the limit",
        total,
        lambda: [packer.compress(body) for body in flat],
    )
    rate("orjson alone, read and written", total, lambda: [orjson.dumps(orjson.loads(body)) for body in flat])
    app_intake = Intake(store, settings)
    masker = Masker(settings.replay)
    rate("a chunk read, masked and packed", total, lambda: [read_chunk(body, masker) for body in flat])
    app = create_ingest(settings, app_intake, Guard(settings, Anybody()))
    transport = httpx.ASGITransport(app, root_path="/v1")
    headers = {"authorization": "Bearer x"}
    async with httpx.AsyncClient(transport=transport, base_url="http://airis/v1", headers=headers) as client:

        async def send(number: int) -> int:
            sent = 0
            for body in pattern[number % len(pattern)]:
                named = body.replace(b'"session_id":"s', b'"session_id":"n%d-s' % number, 1)
                answer = await client.post("/replay", content=named)
                assert answer.status_code == 202, answer.text
                sent += len(named)
            return sent

        cpu, wall = time.process_time(), time.perf_counter()
        sent = 0
        for first in range(0, options.sessions, options.together):
            numbers = range(first, min(first + options.together, options.sessions))
            sent += sum(await asyncio.gather(*map(send, numbers)))
        await app_intake.summarise_recordings()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(
        f"  {'POST /v1/replay, the store in the same process':<46}{sent / cpu / 1e6:9.1f} MB/s per core"
        f"   ({sent / wall / 1e6:.1f} MB/s by the clock, cores busy {cpu / wall:.2f})",
        flush=True,
    )
    return app_intake


async def listing(store: Store, settings: Settings, options: argparse.Namespace) -> None:
    """Fill the table of summaries, ask for pages."""
    rng = random.Random(2)
    now = time.time_ns() // 10**6
    for first in range(0, options.listed, 10_000):
        rows = []
        for number in range(first, min(first + 10_000, options.listed)):
            begun = now - rng.randrange(86_400_000)
            urls = [f"https://shop.example/{word}/{rng.randrange(50)}" for word in rng.choices(_WORDS, k=5)]
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
        recorded = None if options.only_list else await intake(store, settings, options)
        await listing(store, settings, options)
        if recorded is not None:
            await recorded.close(30)  # and with it the store


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--mb", type=int, default=5)
    parser.add_argument("--chunk-kb", type=int, default=250)
    parser.add_argument("--together", type=int, default=8)
    parser.add_argument("--listed", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--only-list", action="store_true")
    asyncio.run(main(parser.parse_args()))

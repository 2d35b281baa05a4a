"""The page's twelve usual queries through the HTTP API beside the same SQL sent to the store directly.

    python -m benchmarks.query                     20 million rows of the demo, all of AIRIS-Ray (`airis up`)
    python -m benchmarks.query --parts --rows 2e6  smaller, the applications under uvicorn, without Ray

The rows are a day of the demo's telemetry; with ``--copies N`` a day of an N-th of them and N - 1 copies of it at the
days before. "Bare" is every statement that a call sends, recorded in this process and sent again as bytes over HTTP,
at once where the API sends them at once: what is left over is what the API costs. Runs of both alternate.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import httpx
import pyarrow as pa
from clickhouse_connect.driver.binding import format_bind_value

from airis_ray.analytics.app import create_app
from airis_ray.demo.plan import Plan
from airis_ray.demo.run import Run
from airis_ray.demo.send import Count, Sender
from airis_ray.settings import Settings
from airis_ray.store import Query, Result, Store, tenant_filters
from airis_ray.store.client import ClickHouseStore, open_store
from airis_ray.store.secrets import store_key
from airis_ray.telemetry.tables import SCHEMAS
from airis_ray.web.auth import Guard, Principal, Scope
from benchmarks.instance import Instance, parts, whole
from benchmarks.query_calls import Call, calls
from benchmarks.report import Report, machine

NS = 10**9
DAY = 86_400
TENANT = "default"
MOST_MS, MOST_RATIO = 10.0, 1.2
"""The aim: the API costs at most so many milliseconds, or so many times the bare SQL."""

_EVENTS = "Timestamp - {shift} AS Timestamp, {trace} AS TraceId"
_POINTS = "TimeUnix - {shift} AS TimeUnix, StartTimeUnix - {shift} AS StartTimeUnix"
COPIED = {name: _POINTS if "metrics" in name else _EVENTS for name in SCHEMAS}
COPIED["hyperdx_sessions"] = f"{_EVENTS}, TimestampTime - {{shift}} AS TimestampTime"


class Recorder:
    """The store, writing down what it is asked and when."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: list[tuple[float, float, Query]] = []

    async def query(self, query: Query) -> Result:
        started = time.perf_counter()
        result = await self._store.query(query)
        self.asked.append((started, time.perf_counter(), query))
        return result

    async def stream(self, query: Query) -> AsyncIterator[pa.RecordBatch]:
        started = time.perf_counter()
        async for batch in self._store.stream(query):
            yield batch
        self.asked.append((started, time.perf_counter(), query))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def rounds(self) -> list[list[Query]]:
        """The statements in the order they were sent, those together that ran at once."""
        rounds: list[list[Query]] = []
        over = 0.0
        for started, ended, query in sorted(self.asked, key=lambda each: each[0]):
            if rounds and started < over:
                rounds[-1].append(query)
            else:
                rounds.append([query])
            over = max(over, ended)
        return rounds


class Bare:
    """Statements as bytes to the store's HTTP interface, answers as bytes back."""

    def __init__(self, session: aiohttp.ClientSession, settings: Settings) -> None:
        self._session = session
        self._url = f"http://127.0.0.1:{settings.store.port}/"
        self._headers = {"X-ClickHouse-Key": store_key(settings.data_dir)}

    async def __call__(self, rounds: list[list[Query]]) -> None:
        for queries in rounds:
            await asyncio.gather(*(self._one(query) for query in queries))

    async def _one(self, query: Query) -> None:
        bound = {f"param_{name}": str(format_bind_value(value)) for name, value in query.parameters.items()}
        settings = {name: str(value) for name, value in query.settings.items()}
        filters = {"additional_table_filters": tenant_filters(TENANT), "default_format": "ArrowStream"}
        parameters = {**filters, **settings, **bound}
        async with self._session.post(
            self._url, params=parameters, data=query.sql.encode(), headers=self._headers
        ) as answer:
            body = await answer.read()
            if answer.status != 200:
                raise SystemExit(f"{query.sql[:200]}: {body[:300]!r}")


async def recorded(call: Call, store: Store) -> list[list[Query]]:
    """What a call sends to the store: the application runs in this process for once."""

    class Reader:
        async def verify(self, key: str) -> Principal | None:
            return Principal(key, TENANT, frozenset({Scope.READ}))

    recorder = Recorder(store)
    settings = Settings()
    app = create_app(settings, recorder, Guard(settings, Reader()))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://in-process") as client:
        await _ask(client, "", call, "any")
    return recorder.rounds()


async def _ask(client: httpx.AsyncClient, prefix: str, call: Call, key: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}", "Cache-Control": "no-cache"}  # each call asks the store
    answer = await client.request(
        call.method, prefix + call.path, json=call.body, headers=headers, timeout=120
    )
    if answer.status_code != 200:
        raise SystemExit(f"{call.name}: {answer.status_code} {answer.text[:500]}")
    return answer


@dataclass(frozen=True)
class Timed:
    """Milliseconds of both ways of one call, and how many statements it sends."""

    name: str
    statements: int
    bare: list[float]
    api: list[float]

    @property
    def met(self) -> bool:
        """Whether the aim is met at the median and at the 95th percentile."""
        pairs = ((_p(self.api, q), _p(self.bare, q)) for q in (50, 95))
        return all(api - bare <= MOST_MS or api <= MOST_RATIO * bare for api, bare in pairs)


def _p(values: list[float], q: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[q - 1]


async def measure(instance: Instance, settings: Settings, runs: int) -> list[Timed]:
    """Every call ``runs`` times each way, after two runs that do not count."""
    store = open_store(settings)
    trace_id, end = await _anchors(store)
    timed = []
    async with httpx.AsyncClient() as client, aiohttp.ClientSession() as session:
        bare = Bare(session, settings)
        for call in calls(end, trace_id):
            rounds = await recorded(call, store)
            took: dict[str, list[float]] = {"bare": [], "api": []}
            for run in range(runs + 2):
                for way in ("bare", "api"):
                    started = time.perf_counter()
                    if way == "bare":
                        await bare(rounds)
                    else:
                        await _ask(client, f"{instance.url}/api/analytics", call, instance.key)
                    if run >= 2:
                        took[way].append((time.perf_counter() - started) * 1e3)
            timed.append(Timed(call.name, sum(map(len, rounds)), took["bare"], took["api"]))
    await store.close()
    return timed


async def _anchors(store: ClickHouseStore) -> tuple[str, int]:
    """A trace of many spans, and the last whole minute of the data."""
    longest = (
        "SELECT TraceId, count() AS n FROM otel_traces "
        "WHERE Timestamp > (SELECT max(Timestamp) - 600 FROM otel_traces) "
        "GROUP BY TraceId ORDER BY n DESC, TraceId LIMIT 1"
    )
    trace_id = (await store.query(Query(longest))).table["TraceId"][0].as_py()
    newest = "SELECT toUnixTimestamp(max(Timestamp)) AS t FROM otel_traces"
    seconds = (await store.query(Query(newest))).table["t"][0].as_py()
    return trace_id, seconds // 60 * 60 * NS


def fill(instance: Instance, settings: Settings, rows: int, copies: int) -> str:
    """Send a day of the demo and copy it; tells what was done."""
    end = int(time.time()) // 600 * 600
    start, share = end - DAY, rows // copies
    trial = Count()
    Run(Plan.history(1, start * NS, 600, 20.0), trial)()
    per_request = sum(trial.totals.records.values()) / (600 * 20.0)
    rate = max(share / (DAY * per_request), 0.01)
    began = time.monotonic()
    sender = Sender(instance.url, instance.key)
    with _progress("demo", DAY) as told:
        Run(Plan.history(1, start * NS, DAY, rate), sender, progress=lambda at: told(at // NS - start))()
    asyncio.run(_copy(settings, copies))
    minutes = (time.monotonic() - began) / 60
    sent = sum(sender.totals.records.values())
    day = datetime.fromtimestamp(start, UTC).isoformat()
    return f"data: {sent:,} records of the demo from {day} on, times {copies}, filled in {minutes:.1f} min"


async def _copy(settings: Settings, copies: int) -> None:
    store = open_store(settings)
    for day in range(1, copies):
        for table, replaced in COPIED.items():
            shift, trace = f"toIntervalDay({day})", f"lower(hex(sipHash128(TraceId, {day})))"
            values = replaced.format(shift=shift, trace=trace)
            newest = "(SELECT max({0}) - toIntervalDay(1) FROM {1})"
            column = values.split(" ", 1)[0]
            await store.command(
                # t.: the bare name would be that of the copy, a day before its original
                f"INSERT INTO {table} SELECT * REPLACE ({values}) FROM {table} AS t WHERE t.{column} > "
                + newest.format(column, table)
            )
    await store.close()


@contextlib.contextmanager
def _progress(name: str, total: int) -> Iterator[Any]:
    def told(done: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{name}: {100 * done / total:.0f} %")
            sys.stderr.flush()

    yield told
    if sys.stderr.isatty():
        sys.stderr.write("\n")


async def _count(settings: Settings) -> str:
    store = open_store(settings)
    counts = {}
    for table in COPIED:
        counts[table] = (await store.query(Query(f"SELECT count() AS n FROM {table}"))).table["n"][0].as_py()
    await store.close()
    listed = ", ".join(f"{table} {count:,}" for table, count in counts.items())
    return f"rows: {sum(counts.values()):,} ({listed})"


def table(timed: list[Timed]) -> list[str]:
    """The measurements as lines."""
    head = f"{'ms':30} {'statements':>10} {'bare p50':>9} {'p95':>8} {'API p50':>9} {'p95':>8}   difference"
    lines = [head]
    for each in timed:
        bare50, bare95, api50, api95 = (_p(v, q) for v in (each.bare, each.api) for q in (50, 95))
        lines.append(
            f"{each.name:30} {each.statements:>10} {bare50:>9.1f} {bare95:>8.1f} {api50:>9.1f} {api95:>8.1f}   "
            f"{api50 - bare50:+.1f} ms, {api50 / bare50:.2f}x, {api95 - bare95:+.1f} ms: "
            + ("met" if each.met else "MISSED")
        )
    return lines


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=lambda text: int(float(text)), default=20_000_000)
    parser.add_argument("--copies", type=int, default=4, help="days: one of the demo, the rest copies of it")
    parser.add_argument("--runs", type=int, default=20, help="timed runs of each call, each way")
    parser.add_argument(
        "--parts", action="store_true", help="without Ray: store and applications as processes"
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    started = parts("benchmarks.query_server") if given.parts else whole()
    with started as instance:
        if instance.settings is None:
            raise SystemExit("the bare SQL needs the store's settings")
        filled = fill(instance, instance.settings, given.rows, given.copies)
        rows = asyncio.run(_count(instance.settings))
        timed = asyncio.run(measure(instance, instance.settings, given.runs))
    report = Report("The page's twelve queries: API beside bare SQL")
    met = sum(each.met for each in timed)
    report.ratio(f"calls within {MOST_MS:g} ms or {MOST_RATIO}x of bare, p50 and p95", met, len(timed))
    report.notes += ["", filled, rows, "", *table(timed)]
    if given.json:
        document = [{"name": each.name, "bare_ms": each.bare, "api_ms": each.api} for each in timed]
        print(json.dumps({"machine": machine(), "data": [filled, rows], "calls": document}, indent=2))
    else:
        report.print()


if __name__ == "__main__":
    main()

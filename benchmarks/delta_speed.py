"""How long a comparison takes over spans with 40 attributes, beside a bare scan of the same columns."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any

from airis_ray.delta.compare import Comparer
from airis_ray.delta.models import CompareRequest
from airis_ray.settings import RetentionSettings, Settings
from airis_ray.store import Query
from airis_ray.store.keys import HOT_KEYS
from airis_ray.store.migrate import migrate
from tests.support.local_store import LocalStore
from tests.support.records import START

TENANT = "benchmark"
SECONDS, RATIO = 2.0, 3.0
_BLOCK = 250_000
_HOUR = 3600 * 10**9
_ROUNDS = 3
_COLUMNS = "SpanAttributes, ResourceAttributes, ServiceName, SpanName, SpanKind, StatusCode, Duration"
_SCAN = f"SELECT count() FROM otel_traces WHERE NOT ignore({_COLUMNS})"
_REQUEST = CompareRequest.model_validate(
    {"target": {"query": "status:error"}, "baseline": {"query": "-status:error"}}
)


def _of(seed: int, values: int) -> str:
    return f"cityHash64(number, {seed}) % {values}"


_SPAN: Mapping[str, str] = {
    "http.route": f"'/r' || toString({_of(1, 40)})",
    "http.response.status_code": f"toString(200 + {_of(2, 5)} * 100)",
    "http.request.method": f"['GET', 'POST', 'PUT'][{_of(3, 3)} + 1]",
    "user.id": f"toString({_of(4, 100_000)})",
    "request.id": "hex(cityHash64(number, 5))",
    "net.bytes": f"toString({_of(6, 100_000)})",
    "db.rows": f"toString({_of(7, 1_000)})",
    **{f"app.k{at}": f"'v' || toString({_of(10 + at, 3 + 2 * at)})" for at in range(23)},
}
_RESOURCE: Mapping[str, str] = {
    "airis.tenant": f"'{TENANT}'",
    "service.version": f"if({_of(90, 100)} < if(number % 20 = 0, 60, 5), '2.4', '2.3')",
    "k8s.pod.name": f"'pod-' || toString({_of(91, 60)})",
    "host.ip": f"'10.0.0.' || toString({_of(91, 60)})",
    "cloud.region": f"'r' || toString({_of(92, 4)})",
    "k8s.node.name": f"'n' || toString({_of(93, 12)})",
    "deployment.environment.name": "'prod'",
    "telemetry.sdk.language": f"['go', 'java', 'py'][{_of(94, 3)} + 1]",
    "os.type": "'linux'",
    "container.id": "hex(cityHash64(number % 500, 95))",
}


def _map(entries: Mapping[str, str]) -> str:
    pairs = ", ".join(f"'{key}', {value}" for key, value in entries.items())
    return f"map({pairs})"


def _insert(first: int, rows: int, step: int) -> str:
    return (
        "INSERT INTO otel_traces (Timestamp, TraceId, SpanId, SpanName, SpanKind, ServiceName, ResourceAttributes,"
        " SpanAttributes, Duration, StatusCode)"
        f" SELECT fromUnixTimestamp64Nano(toInt64({START} + number * {step})), lower(hex(cityHash64(number, 100))),"
        f" lower(hex(cityHash64(number, 101))), '/r' || toString({_of(1, 40)}), 'Server',"
        f" 'service' || toString({_of(102, 12)}), {_map(_RESOURCE)}, {_map(_SPAN)},"
        " toUInt64(exp(randNormal(16, 1)) * if(number % 20 = 0, 3, 1)), if(number % 20 = 0, 'Error', 'Ok')"
        f" FROM numbers({first}, {rows})"
    )


async def measure(rows: int, folder: Path | None = None) -> bool:
    """Print seconds and processor seconds of a comparison and of the scan; whether one of the aims is kept.

    ``folder`` keeps the spans for a next time; without one they are gone with the measurement.
    """
    with tempfile.TemporaryDirectory(prefix="airis-delta-") as temporary:
        store = LocalStore(str(folder or temporary))
        await _fill(store, rows)
        # What merges in the background would count as processor time of whatever runs beside it.
        await store.command("SYSTEM STOP MERGES")
        comparer = Comparer(store, 600.0, time.monotonic)
        compared, scanned = [], []
        for _ in range(_ROUNDS + 1):
            compared.append(await _timed(comparer.compare(_REQUEST, TENANT, START + _HOUR, HOT_KEYS)))
            scanned.append(await _timed(store.query(Query(_SCAN, tenant=TENANT))))
        await store.close()
    wall, cpu = (statistics.median(each[at] for each in compared[1:]) for at in (0, 1))  # the first warms up
    bare_wall, bare_cpu = (statistics.median(each[at] for each in scanned[1:]) for at in (0, 1))
    print(
        f"speed, {rows:,} spans with {len(_SPAN) + len(_RESOURCE)} attributes, medians of {_ROUNDS}: {wall:.2f} s"
        f" ({cpu:.2f} s of processor); a bare scan of the same columns {bare_wall:.2f} s ({bare_cpu:.2f}): ratio"
        f" {wall / bare_wall:.1f} ({cpu / bare_cpu:.1f} by processor time)"
    )
    print(f"  first: {[each.query for each in compared[-1][2].attributes[:3]]}")
    return bool(wall <= SECONDS or wall / bare_wall <= RATIO)


async def _timed(work: Awaitable[Any]) -> tuple[float, float, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    found = await work
    return time.perf_counter() - wall, time.process_time() - cpu, found


async def _fill(store: LocalStore, rows: int) -> None:
    """The tables with the spans in them, unless they are there; without views, which cost nothing but the filling."""
    retention = RetentionSettings(logs=0, traces=0, metrics=0, sessions=0)
    await migrate(store, settings=Settings(retention=retention))
    there = (
        (await store.query(Query("SELECT count() AS n FROM otel_traces", tenant=TENANT)))
        .table["n"][0]
        .as_py()
    )
    if there == rows:
        return
    views = (
        "SELECT name FROM system.tables WHERE engine = 'MaterializedView' AND database = currentDatabase()"
    )
    for view in (await store.query(Query(views))).table["name"].to_pylist():
        await store.command(f"DROP VIEW {view}")
    for first in range(there, rows, _BLOCK):
        await store.command(_insert(first, min(_BLOCK, rows - first), _HOUR // rows))
    await store.command("OPTIMIZE TABLE otel_traces")

"""How long a comparison takes over spans with 40 attributes, beside a bare scan of the same columns."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping

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
_COLUMNS = "SpanAttributes, ResourceAttributes, ServiceName, SpanName, SpanKind, StatusCode, Duration"


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


async def measure(rows: int) -> bool:
    """Print seconds and processor seconds of a comparison and of the scan; whether one of the aims is kept."""
    with tempfile.TemporaryDirectory(prefix="airis-delta-") as folder:
        store = LocalStore(folder)
        keep = RetentionSettings(logs=0, traces=0, metrics=0, sessions=0)
        await migrate(store, settings=Settings(retention=keep))
        for first in range(0, rows, _BLOCK):
            await store.command(_insert(first, min(_BLOCK, rows - first), _HOUR // rows))
        request = CompareRequest.model_validate(
            {"target": {"query": "status:error"}, "baseline": {"query": "-status:error"}}
        )
        comparer = Comparer(store, 600.0, time.monotonic)
        best = [float("inf")] * 4
        for _ in range(3):  # the first run warms up
            wall, cpu = time.perf_counter(), time.process_time()
            answer = await comparer.compare(request, TENANT, START + _HOUR, HOT_KEYS)
            best[0], best[1] = (
                min(best[0], time.perf_counter() - wall),
                min(best[1], time.process_time() - cpu),
            )
            wall, cpu = time.perf_counter(), time.process_time()
            await store.query(
                Query(f"SELECT count() FROM otel_traces WHERE NOT ignore({_COLUMNS})", tenant=TENANT)
            )
            best[2], best[3] = (
                min(best[2], time.perf_counter() - wall),
                min(best[3], time.process_time() - cpu),
            )
        await store.close()
    print(
        f"speed, {rows:,} spans with {len(_SPAN) + len(_RESOURCE)} attributes: {best[0]:.2f} s ({best[1]:.2f} s of"
        f" processor); a bare scan of the same columns {best[2]:.2f} s ({best[3]:.2f}): ratio {best[0] / best[2]:.1f}"
        f" ({best[1] / best[3]:.1f} by processor time)"
    )
    print(f"  first: {[each.query for each in answer.attributes[:3]]}")
    return best[0] <= SECONDS or best[1] / best[3] <= RATIO

"""How fast OTLP becomes Arrow batches, per core: the compiled decoder beside a loop over message objects.

``python benchmarks/decode.py`` decodes requests of 1,000 spans, or log records, of about 1 KB each in memory with

* the compiled decoder, from protobuf and from JSON,
* its fallback over protobuf's Python messages, record by record,
* the usual loop over ``opentelemetry-proto`` messages (``loop_decode.py``),
* a bare copy of the finished columns: no decoder can be faster than the memory that it fills.

MB/s are bytes on the wire, for the bare copy bytes of the columns.
"""

from __future__ import annotations

import argparse
import base64
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import orjson
import pyarrow as pa
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from airis_ray.telemetry.otlp import IMPLEMENTATION, decode, decode_json, fallback
from airis_ray.telemetry.tables import Signal
from benchmarks.loop_decode import DECODERS
from benchmarks.report import Report, Run, Stopwatch
from benchmarks.telemetry import requests

REQUESTS: dict[Signal, Any] = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=1000, help="records a request")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a run")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = Report(f"Decode: {options.records} records a request")
    for signal in REQUESTS:
        _measure(report, signal, options)
    report.print(as_json=options.json)


def _measure(report: Report, signal: Signal, options: argparse.Namespace) -> None:
    bodies = requests(signal, 20, options.records)
    documents = [_as_json(signal, body) for body in bodies]
    (batch,) = decode(signal, bodies[0], tenant="default").tables.values()
    sizes = f"{len(bodies[0]) / options.records:.0f} B on the wire, {batch.nbytes / options.records:.0f} B in memory"
    report.notes.append(
        f"{signal}: a record has {sizes}, {len(documents[0]) / options.records:.0f} B in JSON"
    )

    def rate(name: str, function: Callable[[Any], object], inputs: list[Any], nbytes: int) -> float:
        runs = list(_runs(function, inputs, options, nbytes))
        return report.add(f"{signal}: {name}", runs).rows_per_core

    wire = len(bodies[0])
    built = rate(
        f"decode [{IMPLEMENTATION}]", lambda body: decode(signal, body, tenant="default"), bodies, wire
    )
    rate(
        f"decode_json [{IMPLEMENTATION}]",
        lambda body: decode_json(signal, body, tenant="default"),
        documents,
        len(documents[0]),
    )
    slow = rate("decode [python]", lambda body: fallback.decode(signal, body, "default", 0), bodies, wire)
    loop = rate("loop over messages", lambda body: DECODERS[signal](body, "default"), bodies, wire)
    copy = rate("bare copy of the columns", np.copy, [_memory(batch)], batch.nbytes)
    report.ratio(f"{signal}: decode, millions a second and core", built / 1e6, 1.0)
    report.ratio(f"{signal}: decode / loop", built / loop, 8.0)
    report.ratio(f"{signal}: decode / fallback", built / slow)
    report.ratio(f"{signal}: decode / bare copy", built / copy)


def _runs(
    function: Callable[[Any], object], inputs: list[Any], options: argparse.Namespace, nbytes: int
) -> Iterator[Run]:
    function(inputs[0])
    for _ in range(options.runs):
        done = 0
        end = time.perf_counter() + options.seconds
        with Stopwatch() as watch:
            while time.perf_counter() < end:
                for item in inputs:
                    function(item)
                done += len(inputs)
        yield Run.of(watch, done * options.records, done * nbytes)


def _memory(batch: pa.RecordBatch) -> np.ndarray[Any, Any]:
    return np.ones(batch.nbytes, dtype=np.uint8)


def _as_json(signal: Signal, body: bytes) -> bytes:
    return orjson.dumps(
        _with_hex_ids(MessageToDict(REQUESTS[signal].FromString(body), use_integers_for_enums=True))
    )


def _with_hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_hex_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    ids = ("traceId", "spanId", "parentSpanId")
    return {k: base64.b64decode(v).hex() if k in ids else _with_hex_ids(v) for k, v in value.items()}


if __name__ == "__main__":
    main()

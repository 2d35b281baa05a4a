"""How fast other systems' requests become OTLP, per core.

``python benchmarks/intakes.py`` translates requests of 1,000 records in memory: samples with seven labels in remote
write 1.0 and 2.0, lines of Loki in JSON and protobuf, documents of Elasticsearch, events of Splunk's collector; and
decodes what comes of it as ingest does. MB/s are bytes of the request without its compression.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from airis_ray.telemetry.elastic import translate_bulk
from airis_ray.telemetry.lines import LiftRules
from airis_ray.telemetry.loki import translate_json, translate_protobuf
from airis_ray.telemetry.loki.push import PUSH
from airis_ray.telemetry.otlp import decode
from airis_ray.telemetry.prometheus import translate_v1, translate_v2
from airis_ray.telemetry.prometheus.messages import V1, V2
from airis_ray.telemetry.splunk import translate_events
from airis_ray.telemetry.tables import Signal
from benchmarks.report import Report, Run, Stopwatch

RULES = LiftRules()
LIMIT = 64 << 20
NOW_MS = time.time_ns() // 10**6


class Format(NamedTuple):
    """A format: its name, signal, one request, and what translates it."""

    name: str
    signal: Signal
    body: bytes
    translate: Callable[[bytes], bytes]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=1000, help="records a request")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a run")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = Report(f"Other systems' requests: {options.records} records each")
    for form in formats(options.records):
        report.add(form.name, [_run(form, options) for _ in range(options.runs)])
    report.print(as_json=options.json)


def _run(form: Format, options: argparse.Namespace) -> Run:
    done = 0
    end = time.perf_counter() + options.seconds
    with Stopwatch() as watch:
        while time.perf_counter() < end:
            decode(form.signal, form.translate(form.body), tenant="default")
            done += 1
    return Run.of(watch, done * options.records, done * len(form.body))


def formats(records: int) -> list[Format]:
    """Every format with a request of so many records."""
    lines = [f"2026-01-02T03:04:05Z GET /api/items/{i} 200 {i % 90} ms user={i}" for i in range(records)]
    logged = [
        {"level": "info", "msg": f"item {i}", "user": {"id": i}, "took_ms": i % 90} for i in range(records)
    ]
    stamps = [str((NOW_MS + i) * 10**6) for i in range(records)]
    streams = {"stream": {"app": "shop", "pod": "shop-1"}, "values": list(zip(stamps, lines, strict=True))}
    documents = {"streams": [{**streams, "values": list(zip(stamps, map(json.dumps, logged), strict=True))}]}
    bulk = b"".join(
        json.dumps({"index": {"_index": "shop"}}).encode()
        + b"\n"
        + json.dumps({"@timestamp": NOW_MS, "service": {"name": "shop"}, **document}).encode()
        + b"\n"
        for document in logged
    )
    events = "\n".join(
        json.dumps({"time": NOW_MS / 1000, "host": "h", "event": line}) for line in lines
    ).encode()
    return [
        Format("remote write 1.0", "metrics", _v1(records), lambda body: translate_v1(body, LIMIT).otlp),
        Format("remote write 2.0", "metrics", _v2(records), lambda body: translate_v2(body, LIMIT).otlp),
        Format("loki json, lines", "logs", json.dumps({"streams": [streams]}).encode(), _loki),
        Format("loki json, documents", "logs", json.dumps(documents).encode(), _loki),
        Format("loki protobuf", "logs", _push(lines), lambda body: translate_protobuf(body, RULES, LIMIT)),
        Format(
            "elasticsearch bulk",
            "logs",
            bulk,
            lambda body: translate_bulk(body, "", RULES, lambda *_: None, LIMIT).otlp,
        ),
        Format("splunk events", "logs", events, lambda body: translate_events(body, {}, RULES, LIMIT).logs),
    ]


def _loki(body: bytes) -> bytes:
    return translate_json(body, RULES, LIMIT)


def _labels(i: int) -> dict[str, str]:
    return {
        "__name__": f"metric_{i % 50}_total",
        "instance": f"10.0.0.{i % 20}:9090",
        "job": "api",
        "method": "GET",
        "path": f"/items/{i % 30}",
        "pod": f"pod-{i}",
        "status": "200",
    }


def _v1(records: int) -> bytes:
    request = V1["WriteRequest"]()
    for i in range(records):
        series = request.timeseries.add()
        series.labels.extend(
            V1["Label"](name=name, value=text).SerializeToString() for name, text in _labels(i).items()
        )
        series.samples.add(value=i, timestamp=NOW_MS)
    return bytes(request.SerializeToString())


def _v2(records: int) -> bytes:
    request = V2["Request"]()
    symbols: dict[str, int] = {"": 0}
    for i in range(records):
        references = [symbols.setdefault(text, len(symbols)) for pair in _labels(i).items() for text in pair]
        request.timeseries.add(labels_refs=references, metadata={"type": 1}).samples.add(
            value=i, timestamp=NOW_MS
        )
    request.symbols.extend(symbols)
    return bytes(request.SerializeToString())


def _push(lines: list[str]) -> bytes:
    request: Any = PUSH["PushRequest"]()
    stream = request.streams.add(labels='{app="shop", pod="shop-1"}')
    for line in lines:
        stream.entries.add(line=line).timestamp.seconds = NOW_MS // 1000
    return bytes(request.SerializeToString())


if __name__ == "__main__":
    main()

"""OTLP requests for the benchmarks: about 1 KB a record once it is a row in memory, a third of that on the wire."""

from __future__ import annotations

import random
import time
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

SERVICES = ("frontend", "cart", "checkout", "payment", "shipping", "currency", "recommendation", "ad")
_ROUTES = ("/", "/api/cart", "/api/checkout", "/api/products/{id}", "/api/currency", "/api/data")
_MESSAGES = (
    "order {n} placed for user {u}: 3 items, total 129000 KRW",
    "결제 승인이 거절되었습니다: 주문 {n}, 사유=한도초과",
    "GET /api/products/{n} 200 12 ms upstream=product-catalog cache=miss",
    "retrying call to payment (attempt 2 of 5) after deadline exceeded, order {n}",
)


def requests(signal: str, count: int, records: int, seed: int = 7) -> list[bytes]:
    """``count`` different requests of ``records`` log records or spans each, two services in each."""
    rng = random.Random(seed)
    make = _spans if signal == "traces" else _logs
    now = time.time_ns()
    return [make(rng, records, now - i * 1_000_000_000) for i in range(count)]


def _spans(rng: random.Random, records: int, now: int) -> bytes:
    message = ExportTraceServiceRequest()
    for service in rng.sample(SERVICES, 2):
        group = message.resource_spans.add(resource=_resource(service, rng))
        scope = group.scope_spans.add()
        scope.scope.name, scope.scope.version = "opentelemetry.instrumentation.fastapi", "0.62b1"
        for i in range(records // 2):
            duration = int(rng.lognormvariate(16, 1))
            span = scope.spans.add(
                trace_id=rng.randbytes(16),
                span_id=rng.randbytes(8),
                parent_span_id=rng.randbytes(8) if i % 4 else b"",
                name=f"GET {rng.choice(_ROUTES)}",
                kind=2 if i % 4 == 0 else 3,
                start_time_unix_nano=now + i * 1000,
                end_time_unix_nano=now + i * 1000 + duration,
                attributes=_http(rng),
            )
            if i % 50 == 0:
                span.status.code, span.status.message = 2, "deadline exceeded"
                span.events.add(
                    time_unix_nano=now,
                    name="exception",
                    attributes=[_pair("exception.type", "TimeoutError"), _pair("exception.message", "5 s")],
                )
    return bytes(message.SerializeToString())


def _logs(rng: random.Random, records: int, now: int) -> bytes:
    message = ExportLogsServiceRequest()
    for service in rng.sample(SERVICES, 2):
        group = message.resource_logs.add(resource=_resource(service, rng))
        scope = group.scope_logs.add()
        scope.scope.name = f"com.example.{service}.Handler"
        for i in range(records // 2):
            level = rng.choice(((9, "INFO"), (9, "INFO"), (13, "WARN"), (17, "ERROR")))
            text = rng.choice(_MESSAGES).format(n=rng.randrange(10**8), u=rng.randrange(10**6))
            scope.log_records.add(
                time_unix_nano=now + i * 1000,
                observed_time_unix_nano=now + i * 1000,
                severity_number=level[0],
                severity_text=level[1],
                body=AnyValue(string_value=text),
                trace_id=rng.randbytes(16),
                span_id=rng.randbytes(8),
                flags=1,
                attributes=_http(rng)[:6],
            )
    return bytes(message.SerializeToString())


def _resource(service: str, rng: random.Random) -> Resource:
    pod = f"{service}-7d9c6f8b5-{rng.randrange(10**5):05d}"
    texts = {
        "service.name": service,
        "service.version": "2.4.1",
        "service.namespace": "shop",
        "service.instance.id": pod,
        "deployment.environment.name": "production",
        "k8s.cluster.name": "seoul-1",
        "k8s.namespace.name": "shop",
        "k8s.pod.name": pod,
        "k8s.deployment.name": service,
        "k8s.node.name": f"node-{rng.randrange(20)}",
        "host.name": f"node-{rng.randrange(20)}",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
    }
    return Resource(attributes=[_pair(key, value) for key, value in texts.items()])


def _http(rng: random.Random) -> list[KeyValue]:
    return [
        _pair("http.request.method", "GET"),
        _pair("http.route", rng.choice(_ROUTES)),
        _pair("http.response.status_code", rng.choice((200, 200, 200, 404, 500))),
        _pair("app.user.id", f"user-{rng.randrange(10**6)}"),
        _pair("app.country", rng.choice(("KR", "US", "JP"))),
        _pair("server.address", "checkout.shop.svc.cluster.local"),
        _pair("network.peer.port", rng.randrange(1024, 65535)),
        _pair("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/139"),
    ]


def _pair(key: str, value: str | int) -> KeyValue:
    typed: dict[str, Any] = {"string_value": value} if isinstance(value, str) else {"int_value": value}
    return KeyValue(key=key, value=AnyValue(**typed))

"""The three OTLP services as Serve's gRPC servers register them (``grpc_options.grpc_servicer_functions``).

Proxies and replicas alike import this module, so that it imports nothing but gRPC itself. Unlike the generated
servicers it does not parse the message: the bytes go to the decoder as they came, parsed once and not three times,
and what is wrong with them is answered as INVALID_ARGUMENT with the reason, not as INTERNAL.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import grpc

if TYPE_CHECKING:
    from airis_ray.telemetry.tables import Signal

SERVICES: Final[dict[Signal, str]] = {
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
}


@dataclass(frozen=True)
class Received:
    """An ``Export`` request that nobody has parsed yet."""

    signal: Signal
    payload: bytes


def add_otlp_to_server(servicer: Any, server: Any) -> None:
    """Register ``Export`` of the three services; ``servicer.Export`` takes a :class:`Received`."""
    for signal, service in SERVICES.items():
        export = grpc.unary_unary_rpc_method_handler(
            servicer.Export,
            request_deserializer=partial(Received, signal),
            response_serializer=_serialized,
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": export}),))


def _serialized(message: Any) -> bytes:
    return bytes(message.SerializeToString())

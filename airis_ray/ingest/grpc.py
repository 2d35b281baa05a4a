"""OTLP/gRPC: one method ``Export`` for the three services. Nothing of Ray in it: the context is passed in."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final, Protocol

import grpc

from airis_ray.errors import AirisError, Bug, TooLarge
from airis_ray.ingest import answers, metrics
from airis_ray.ingest.bodies import PROTOBUF
from airis_ray.ingest.grpc_servicers import Received
from airis_ray.ingest.intake import Intake, Payload
from airis_ray.telemetry.tables import Signal
from airis_ray.web.auth import Guard, Principal, Scope
from airis_ray.web.problems import grpc_status

_log = logging.getLogger("airis.errors")

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_SIGNALS: Final[dict[str, Signal]] = {
    "ExportLogsServiceRequest": "logs",
    "ExportTraceServiceRequest": "traces",
    "ExportMetricsServiceRequest": "metrics",
}


class Context(Protocol):
    """What is used of a gRPC call's context; Serve's ``RayServegRPCContext`` has it."""

    def invocation_metadata(self) -> Sequence[tuple[str, str]]:
        """The metadata that the client sent."""

    def peer(self) -> str:
        """The address that the call came from."""

    def set_code(self, code: grpc.StatusCode) -> None:
        """Set the status code of the answer."""

    def set_details(self, details: str) -> None:
        """Set the message of the answer's status."""

    def set_trailing_metadata(self, trailing_metadata: list[tuple[str, Any]]) -> None:
        """Set the metadata that ends the answer."""


class Exporter:
    """Answers ``Export`` calls."""

    def __init__(self, intake: Intake, guard: Guard) -> None:
        self._intake = intake
        self._guard = guard

    async def export(self, request: Any, context: Context) -> Any:
        """Take one request in: a :class:`Received`, or a parsed ``Export…ServiceRequest``.

        Errors are set on ``context`` (code, message, google.rpc.Status with RetryInfo) and an empty response is
        returned: Serve sends trailing metadata only where the method returns.
        """
        received = _received(request)
        tenant, code = "", grpc.StatusCode.OK
        try:
            principal = await self._principal(context)
            tenant = principal.tenant
            return await self._accept(received, principal, _metadata(context, "traceparent"))
        except Exception as error:
            code = _refuse(error, context)
            return answers.RESPONSES[received.signal]()
        finally:
            metrics.REQUESTS.labels(
                tenant=tenant, signal=received.signal, transport="grpc", status=code.name
            ).inc()

    async def _principal(self, context: Context) -> Principal:
        principal = await self._guard.authenticate(_metadata(context, "authorization"), context.peer())
        principal.check(Scope.INGEST)
        await self._guard.admit(principal, "ingest")
        return principal

    async def _accept(self, received: Received, principal: Principal, traceparent: str | None) -> Any:
        size, limit = len(received.payload), self._intake.max_body_bytes
        if size > limit:
            raise TooLarge(f"the message has {size} bytes; at most {limit} are taken")
        with self._intake.reservation() as held:
            held.grow(size)
            payload = Payload([received.payload], "identity", PROTOBUF, traceparent)
            decoded = await self._intake.accept(received.signal, payload, principal.tenant, held)
        return answers.message(received.signal, decoded)


def _refuse(error: Exception, context: Context) -> grpc.StatusCode:
    """Set the error on the context; Serve would answer one that nobody foresaw with its traceback."""
    if not isinstance(error, AirisError):
        _log.error("unhandled exception", exc_info=error)
        error = Bug(repr(error))
    number, message, trailing = grpc_status(error)
    context.set_code(_CODES[number])
    context.set_details(message)
    context.set_trailing_metadata(list(trailing))
    return _CODES[number]


def _metadata(context: Context, name: str) -> str | None:
    return next((value for key, value in context.invocation_metadata() if key == name), None)


def _received(request: Any) -> Received:
    if isinstance(request, Received):
        return request
    return Received(_SIGNALS[request.DESCRIPTOR.name], request.SerializeToString())

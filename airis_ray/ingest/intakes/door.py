"""What every route of another system does: read, translate, take in, count."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar

from fastapi import Depends
from starlette.requests import Request

from airis_ray.errors import AirisError
from airis_ray.ingest import metrics
from airis_ray.ingest.bodies import PROTOBUF, check_length, content_encoding, inflate, read_body
from airis_ray.ingest.budget import Reservation
from airis_ray.ingest.intake import Intake, Payload
from airis_ray.ingest.intakes.refusals import status_of
from airis_ray.settings import Settings
from airis_ray.telemetry import snappy
from airis_ray.telemetry.lines import LiftRules
from airis_ray.telemetry.otlp import Decoded
from airis_ray.telemetry.tables import Signal
from airis_ray.web.auth import Principal, Require, Scope

T = TypeVar("T")

_SNAPPY: Final = "snappy"


class Sender(Require):
    """The dependency of these routes: a key that may send. Other systems' clients add query parameters that mean
    nothing here; they are let pass."""

    async def __call__(self, request: Request) -> Principal:
        request = Request({**request.scope, "query_string": b""})
        return await super().__call__(request)


Caller = Annotated[Principal, Depends(Sender([Scope.INGEST]))]


@dataclass
class Outcome:
    """The status of an answer, for the count of requests."""

    status: int = 500


@dataclass(frozen=True)
class Visit:
    """One request: its body as it came, and what its bytes take of the budget."""

    chunks: list[bytes]
    encoding: str
    principal: Principal
    traceparent: str | None
    held: Reservation

    @property
    def size(self) -> int:
        """Bytes of the body as it came."""
        return sum(map(len, self.chunks))


class Door:
    """The intake with what belongs to the formats. Belongs to one event loop."""

    def __init__(self, intake: Intake, settings: Settings) -> None:
        self.intake = intake
        self.limit = settings.ingest.max_body_bytes
        self.rules = LiftRules(settings.logs.infer_severity, settings.logs.parse_json)

    @asynccontextmanager
    async def visit(
        self, request: Request, principal: Principal, default_encoding: str = "identity"
    ) -> AsyncIterator[Visit]:
        """The request's body; its room is given back at the end.

        ``default_encoding`` is what a body without ``Content-Encoding`` is coded in. Raises Unsupported, TooLarge,
        Overloaded and Unavailable as reading an OTLP body does.
        """
        headers = request.headers.getlist("content-encoding")
        named = ",".join(headers).strip().lower() or default_encoding
        encoding = named if named == _SNAPPY else content_encoding([named])
        check_length(request.headers.get("content-length"), self.limit)
        with self.intake.reservation() as held:
            chunks = await read_body(request.stream(), self.limit, held)
            yield Visit(chunks, encoding, principal, request.headers.get("traceparent"), held)

    async def translate(self, visit: Visit, signal: Signal | None, work: Callable[[bytes], T]) -> T:
        """What ``work`` makes of the body after decompression; see :meth:`Intake.translate`."""

        def translated() -> T:
            body = b"".join(visit.chunks)
            plain = snappy.inflate(body, self.limit) if visit.encoding == _SNAPPY else None
            return work(inflate(visit.encoding, body, self.limit) if plain is None else plain)

        size = visit.size if visit.encoding == "identity" else visit.size * 16
        return await self.intake.translate(signal, visit.principal.tenant, size, translated)

    async def keep(self, visit: Visit, signal: Signal, otlp: bytes, *, refused: int = 0) -> Decoded:
        """Take a request in; ``refused`` counts records that its translator left out."""
        with self.intake.reservation() as held:
            held.grow(len(otlp))
            payload = Payload([otlp], "identity", PROTOBUF, visit.traceparent, refused)
            return await self.intake.accept(signal, payload, visit.principal.tenant, held)


@contextmanager
def counted(family: str, signal: str, principal: Principal) -> Iterator[Outcome]:
    """Count a request by the status that its answer has, also where it is an error."""
    outcome = Outcome()
    try:
        yield outcome
    except AirisError as error:
        outcome.status = status_of(family, error)
        raise
    finally:
        metrics.REQUESTS.labels(
            tenant=principal.tenant, signal=signal, transport=family, status=str(outcome.status)
        ).inc()

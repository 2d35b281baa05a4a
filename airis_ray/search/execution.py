"""Requests sent to the applications that answer them, as the caller and with the caller's rights."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import orjson
from starlette.types import ASGIApp

from airis_ray.errors import AirisError, InvalidInput, NotFound, Overloaded, Refused, TooLarge, Unavailable
from airis_ray.search.requests import Proposal
from airis_ray.web.sessions import CSRF_HEADER

_TIMEOUT: Final = 60.0
"""Seconds; longer than any query may take."""
_PASSED: Final = ("authorization", "cookie", CSRF_HEADER, "x-request-id", "traceparent")
"""Headers of the question that its requests carry on: who asks, and what it belongs to."""


@dataclass(frozen=True)
class Caller:
    """Who asks: the tenant, and the headers that prove it."""

    tenant: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, tenant: str, headers: Mapping[str, str]) -> Caller:
        """The caller of a request with these headers."""
        return cls(tenant, {name: headers[name] for name in _PASSED if name in headers})


class Executor:
    """Sends requests to applications in this process, by the prefix they are mounted at.

    They pass the same guard, limits and validation as from outside: nothing that a question leads to is more than the
    caller may ask for himself. A call of an application that is not here is Unavailable: the caller sends the request
    himself.
    """

    def __init__(self, applications: Mapping[str, ASGIApp]) -> None:
        self._applications = dict(applications)

    async def run(self, proposal: Proposal, caller: Caller) -> Any:
        """The answer of a request, as JSON. Raises what the application refused it with."""
        prefix = next((each for each in self._applications if proposal.endpoint.startswith(f"{each}/")), None)
        if prefix is None:
            raise Unavailable(
                f"{proposal.endpoint} is answered by another application; send the request to it"
            )
        transport = httpx.ASGITransport(
            self._applications[prefix], root_path=prefix, raise_app_exceptions=False
        )
        async with httpx.AsyncClient(
            transport=transport, base_url="http://airis", headers=dict(caller.headers)
        ) as client:
            sent = {"json": proposal.body} if proposal.method == "POST" else {"params": proposal.body}
            try:
                async with asyncio.timeout(_TIMEOUT):
                    answer = await client.request(proposal.method, proposal.endpoint, **sent)  # type: ignore[arg-type] # one of two
            except TimeoutError:
                raise Unavailable(f"{proposal.endpoint} did not answer within {_TIMEOUT:.0f} s") from None
        if answer.status_code >= 400:
            raise _refusal(answer)
        return orjson.loads(answer.content)


def _refusal(answer: httpx.Response) -> AirisError:
    try:
        detail = str(orjson.loads(answer.content).get("detail", ""))
    except (orjson.JSONDecodeError, AttributeError):
        detail = f"status {answer.status_code}"
    kinds: dict[int, type[AirisError]] = {
        404: NotFound,
        413: TooLarge,
        429: Overloaded,
        401: Refused,
        403: Refused,
    }
    if answer.status_code >= 500:
        return Unavailable(detail)
    return kinds.get(answer.status_code, InvalidInput)(detail)

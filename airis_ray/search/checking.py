"""Whether a request is one of the contract: every proposal passes here, whoever made it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from airis_ray.analytics.models import TimeseriesRequest
from airis_ray.analytics.raw_sql import SqlRequest
from airis_ray.analytics.search import SearchRequest
from airis_ray.analytics.syntax import parse
from airis_ray.errors import InvalidInput
from airis_ray.search.models import SimilarRequest
from airis_ray.search.requests import Proposal
from airis_ray.store.guard import check_select
from airis_ray.telemetry.times import parse_range

_BODIES: Final[Mapping[str, type[BaseModel]]] = {
    "/api/analytics/search": SearchRequest,
    "/api/analytics/timeseries": TimeseriesRequest,
    "/api/analytics/sql": SqlRequest,
    "/api/search/similar-logs": SimilarRequest,
}
_POSTS: Final[Mapping[str, frozenset[str]]] = {
    "/api/delta/compare": frozenset({"signal", "target", "baseline", "limit"}),
    "/api/aiops/log-patterns": frozenset({"query", "from", "to", "compare_to"}),
    "/api/aiops/root-cause": frozenset({"from", "to", "service", "incident_id"}),
    "/api/aiops/forecast": frozenset({"series", "horizon", "levels"}),
}
_GETS: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    (r"/api/analytics/services", frozenset({"from", "to"})),
    (r"/api/analytics/service-map", frozenset({"from", "to"})),
    (r"/api/analytics/metrics", frozenset({"from", "to", "prefix", "service"})),
    (r"/api/analytics/traces/[0-9a-f]{32}", frozenset()),
    (r"/api/analytics/fields", frozenset({"signal", "prefix", "from", "to", "limit"})),
    (r"/api/analytics/fields/[^?#]+/values", frozenset({"signal", "prefix", "query", "from", "to", "limit"})),
    (r"/api/aiops/anomalies", frozenset({"from", "to", "service"})),
    (r"/api/aiops/incidents", frozenset({"from", "to", "status"})),
    (r"/api/aiops/rules", frozenset()),
    (r"/api/aiops/channels", frozenset()),
    (r"/api/replay/sessions", frozenset({"query", "from", "to"})),
)


def check(proposal: Proposal, now_ns: int) -> None:
    """Raise InvalidInput unless the request is a reading call of the contract with a body that it takes.

    Only calls that change nothing are known here; so neither a question nor a model can make one that does.
    """
    if proposal.method == "POST":
        _check_post(proposal)
    elif proposal.method == "GET":
        _check_get(proposal)
    else:
        raise InvalidInput(f"{proposal.method} {proposal.endpoint} is no call that answers questions")
    for query in _queries(proposal.body):
        parse(query)
    for part in (proposal.body, *(proposal.body.get(side) for side in ("target", "baseline", "compare_to"))):
        if isinstance(part, Mapping) and "from" in part and "to" in part:
            parse_range(part["from"], part["to"], now_ns)


def _check_post(proposal: Proposal) -> None:
    model = _BODIES.get(proposal.endpoint)
    if model is not None:
        try:
            model.model_validate(proposal.body)
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidInput(
                f"{proposal.endpoint}: {'/'.join(map(str, first['loc']))}: {first['msg']}"
            ) from None
        if isinstance(proposal.body.get("sql"), str):
            check_select(proposal.body["sql"])
        return
    known = _POSTS.get(proposal.endpoint)
    if known is None:
        raise InvalidInput(f"POST {proposal.endpoint} is no call that answers questions")
    _known(proposal, known)


def _check_get(proposal: Proposal) -> None:
    for pattern, known in _GETS:
        if re.fullmatch(pattern, proposal.endpoint):
            return _known(proposal, known)
    raise InvalidInput(f"GET {proposal.endpoint} is no call that answers questions")


def _known(proposal: Proposal, known: frozenset[str]) -> None:
    unknown = set(proposal.body) - known
    if unknown:
        raise InvalidInput(f"{proposal.endpoint} takes no {', '.join(sorted(unknown))}")


def _queries(body: Mapping[str, Any]) -> list[str]:
    found = [
        body.get("query"),
        *(
            part.get("query")
            for part in (body.get("target"), body.get("baseline"))
            if isinstance(part, Mapping)
        ),
    ]
    for query in found:
        if query is not None and not isinstance(query, str):
            raise InvalidInput("query: expected a string in the search syntax")
    return [query for query in found if isinstance(query, str)]

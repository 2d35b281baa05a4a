"""``GET /anomalies``, and what operators say of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import orjson
import pyarrow as pa
from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.aiops.watch.comparisons import Comparison, comparison
from airis_ray.aiops.watch.listing import Wanted, anomalies
from airis_ray.aiops.watch.verdicts import Verdict, record
from airis_ray.errors import NotFound
from airis_ray.store import Store
from airis_ray.telemetry.times import format_times, parse_range
from airis_ray.web.arrow import ARROW_CONTENT, ARROW_STREAM, stream_bytes, wants_arrow
from airis_ray.web.audit import Audit
from airis_ray.web.auth import Principal, Scope, require
from airis_ray.web.paging import cursor_number, link_next, read_cursor

Reader = Annotated[Principal, Depends(require(Scope.READ))]
Writer = Annotated[Principal, Depends(require(Scope.WRITE))]
AnomalyId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="the field `id` of an anomaly")]


class Anomaly(BaseModel):
    """An anomaly as it stands."""

    id: str = Field(description="stays the same while it lasts")
    start: str
    end: str = Field(description="behind its last cell so far")
    lasting: bool = Field(description="whether it may go on; false once values were usual for a while")
    service: str
    signal: Literal["traces", "logs", "metrics"]
    metric: str
    unit: str
    labels: dict[str, str] = Field(description="which of the metric's series")
    kind: str = Field(description="point, level, shape or absence")
    score: float = Field(description="0..1: how little a chance explains it, 0.5 at the detector's threshold")
    direction: Literal["above", "below", "absent"]
    expected: float | None = Field(description="at its worst")
    actual: float | None = Field(description="at its worst; null where nothing came")
    explanation: str
    explanation_ko: str
    model: str
    series: str = Field(description="key of its series: verdicts count for all of that series' anomalies")
    verdict: Literal["true", "false", "expected"] | None = Field(description="what an operator said of it")
    verdict_by: str | None = Field(description="the id of the key that said it")
    threshold: float = Field(description="the score that anomalies of this series need by now")


class ExplainedAnomaly(Anomaly):
    """An anomaly with what its events have in common."""

    comparison: Comparison | None = Field(
        description="of anomalies on traces and logs, some moments after they are found"
    )


class Said(BaseModel):
    """The body of a verdict."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict = Field(
        description="`true`: it was one; `false`: nothing was wrong; `expected`: something was, on purpose. The last "
        "two raise the score that later anomalies of the same series need past this one's"
    )


def router(store: Store, clock: Callable[[], int]) -> APIRouter:
    """The routes; ``clock`` tells nanoseconds since 1970."""
    routes = APIRouter(tags=["aiops"])

    @routes.get(
        "/anomalies",
        summary="What the watcher found, the newest first",
        responses={200: {"model": list[Anomaly], "content": ARROW_CONTENT}},
    )
    async def get_anomalies(
        request: Request,
        principal: Reader,
        from_: Annotated[str, Query(alias="from", description="start of the range")] = "now-1h",
        to: Annotated[str, Query(description="end of the range")] = "now",
        service: Annotated[str, Query(description="of this service alone")] = "",
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
        cursor: Annotated[
            str | None, Query(description="from the `Link` header of the answer before")
        ] = None,
    ) -> Response:
        # One that begins in this very moment belongs to a range that ends now.
        period = parse_range(from_, to, clock() + 1)
        after = None
        if cursor is not None:
            at, last = read_cursor(cursor, 2)
            after = (cursor_number(at), last)
        wanted = Wanted(period, service, after=after, limit=limit + 1)
        found = await anomalies(store, principal.tenant, wanted)
        response = _answer(request, found.slice(0, limit))
        if found.num_rows > limit:
            end = found.slice(limit - 1, 1)
            link_next(request, response, str(end["start"].cast(pa.int64())[0]), end["id"][0].as_py())
        return response

    @routes.get("/anomalies/{anomaly}", summary="An anomaly, and what its events have that others have not")
    async def get_anomaly(anomaly: AnomalyId, principal: Reader) -> ExplainedAnomaly:
        found = await _one(store, principal.tenant, anomaly)
        compared = await comparison(store, principal.tenant, anomaly)
        return ExplainedAnomaly(**found.model_dump(), comparison=compared)

    _add_verdicts(routes, store, clock)
    return routes


def _add_verdicts(routes: APIRouter, store: Store, clock: Callable[[], int]) -> None:
    audit = Audit(store, clock=lambda: clock() / 1e9)

    async def say(anomaly: str, principal: Principal, verdict: Verdict | None) -> Anomaly:
        before = await _one(store, principal.tenant, anomaly)
        action = "anomaly.verdict" if verdict else "anomaly.verdict.delete"
        detail = {"verdict": verdict or "", "before": before.verdict or "", "series": before.series}
        await audit.record(principal, action, anomaly, tenant=principal.tenant, detail=detail)
        await record(
            store,
            principal.tenant,
            series=int(before.series),
            anomaly=anomaly,
            verdict=verdict,
            score=before.score,
            actor=principal.key_id,
            now_ns=clock(),
        )
        return await _one(store, principal.tenant, anomaly)

    @routes.post("/anomalies/{anomaly}/verdict", summary="Say what an anomaly was")
    async def post_verdict(anomaly: AnomalyId, body: Said, principal: Writer) -> Anomaly:
        return await say(anomaly, principal, body.verdict)

    @routes.delete(
        "/anomalies/{anomaly}/verdict", summary="Take a verdict back; the threshold is where it was"
    )
    async def delete_verdict(anomaly: AnomalyId, principal: Writer) -> Anomaly:
        return await say(anomaly, principal, None)


async def _one(store: Store, tenant: str, anomaly: str) -> Anomaly:
    rows = _rows(await anomalies(store, tenant, Wanted(ids=(anomaly,), limit=1)))
    if not rows:
        raise NotFound(f"there is no anomaly {anomaly}")
    return Anomaly.model_validate(rows[0])


def _answer(request: Request, found: pa.Table) -> Response:
    if wants_arrow(request):
        return Response(stream_bytes(lambda: found), media_type=ARROW_STREAM)
    return Response(orjson.dumps(_rows(found)), media_type="application/json")


def _rows(found: pa.Table) -> list[dict[str, Any]]:
    for place, name in enumerate(found.column_names):
        if name in ("start", "end"):
            found = found.set_column(place, name, format_times(found[name]))
    rows: list[dict[str, Any]] = found.to_pylist(maps_as_pydicts="lossy")
    return rows

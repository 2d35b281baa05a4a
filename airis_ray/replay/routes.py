"""The routes of ``/api/replay``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from airis_ray.errors import NotFound
from airis_ray.replay.events_answer import LIST_OF_EVENTS, events_answer
from airis_ray.replay.listing import Wanted, sessions, sessions_of_user
from airis_ray.replay.models import BlockRow, Deleted, GapRow, SessionDetail, SessionRow, Timeline
from airis_ray.replay.objects import Objects
from airis_ray.replay.summary import Laid, Placed, Summary, lay, summarise
from airis_ray.replay.sweeping import delete_sessions
from airis_ray.replay.tables import read_blocks
from airis_ray.replay.timeline import timeline
from airis_ray.settings import Settings
from airis_ray.store.protocol import Store
from airis_ray.telemetry.times import format_time, parse_range
from airis_ray.web.audit import Audit
from airis_ray.web.auth import Principal, Scope, require
from airis_ray.web.paging import cursor_number, link_next, read_cursor

Reader = Annotated[Principal, Depends(require(Scope.READ))]
Admin = Annotated[Principal, Depends(require(Scope.ADMIN))]
SessionId = Annotated[str, Path(max_length=128, description="the field `id` of a session")]
_MS = 1_000_000


class Sessions:
    """What the routes work with."""

    def __init__(self, store: Store, settings: Settings, objects: Objects, clock: Callable[[], int]) -> None:
        self.store = store
        self.objects = objects
        self.clock = clock
        self.dead_ms = round(settings.replay.dead_click * 1000)
        self.audit = Audit(store, clock=lambda: clock() / 1e9)

    async def laid(self, tenant: str, session: str) -> tuple[Summary, Laid]:
        """A session made anew from its chunks; raises NotFound."""
        found = await read_blocks(self.store, tenant, [session])
        if session not in found:
            raise NotFound(f"there is no session {session}")
        return summarise(found[session], self.dead_ms), lay(found[session])


def router(on: Sessions) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["replay"])
    _add_list(routes, on)
    _add_reading(routes, on)
    _add_deletion(routes, on)
    return routes


def _add_list(routes: APIRouter, on: Sessions) -> None:
    @routes.get(
        "/sessions",
        summary="Recorded sessions, the newest first",
        description="`query` is search syntax over the fields of the list: `user:u-17`, `rage_clicks:>0 url:*cart*`, "
        "`duration_ms:>60000`; bare words look into users and addresses.",
        responses={200: {"model": list[SessionRow]}},
    )
    async def get_sessions(
        request: Request,
        principal: Reader,
        query: Annotated[str, Query(max_length=10_000, description="search syntax; empty for all")] = "",
        from_: Annotated[
            str, Query(alias="from", description="start of the range, for their beginnings")
        ] = "now-24h",
        to: Annotated[str, Query(description="end of the range")] = "now",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        cursor: Annotated[
            str | None, Query(description="from the `Link` header of the answer before")
        ] = None,
    ) -> Response:
        now = on.clock()
        after = None
        if cursor is not None:
            at, last = read_cursor(cursor, 2)
            after = (cursor_number(at), last)
        wanted = Wanted(parse_range(from_, to, now + 1), query, limit + 1, after)
        found = await sessions(on.store, principal.tenant, wanted, now)
        page = found[:limit]
        ends = [(row.pop("started"), row["id"]) for row in page]
        response = Response(orjson.dumps(page), media_type="application/json")
        if len(found) > limit:
            link_next(request, response, str(ends[-1][0]), ends[-1][1])
        return response


def _add_reading(routes: APIRouter, on: Sessions) -> None:
    @routes.get("/sessions/{session}", summary="A session and its blocks")
    async def get_session(session: SessionId, principal: Reader) -> SessionDetail:
        summary, laid = await on.laid(principal.tenant, session)
        columns = summary.columns()
        start, end = columns.pop("start"), columns.pop("end")
        count = columns.pop("blocks")
        return SessionDetail(
            **columns,
            id=session,
            started_at=format_time(start * _MS),
            ended_at=format_time(end * _MS),
            duration_ms=end - start,
            block_count=count,
            blocks=[_block(placed) for placed in laid.blocks],
            missing=[GapRow.model_validate(asdict(gap)) for gap in laid.missing],
            late=laid.late,
        )

    @routes.get(
        "/sessions/{session}/events",
        summary="The rrweb events of a session, tab by tab",
        responses={200: LIST_OF_EVENTS},
    )
    async def get_events(
        request: Request,
        session: SessionId,
        principal: Reader,
        block: Annotated[str | None, Query(description="of this block alone")] = None,
        tab: Annotated[str | None, Query(description="of this tab alone")] = None,
        cursor: Annotated[
            str | None, Query(description="from the `Link` header of the answer before")
        ] = None,
    ) -> Response:
        _, laid = await on.laid(principal.tenant, session)
        placed = [each for each in laid.blocks if tab in (None, each.block.tab)]
        if block is not None:
            placed = [each for each in placed if each.block.name == block]
        if not placed:
            raise NotFound(f"session {session} has no such block or tab")
        return await events_answer(request, on.objects, placed, cursor)

    @routes.get("/sessions/{session}/timeline", summary="What happened, in the browser and behind it")
    async def get_timeline(session: SessionId, principal: Reader) -> Timeline:
        summary, laid = await on.laid(principal.tenant, session)
        told: dict[str, Any] = await timeline(on.store, principal.tenant, session, summary, laid, on.dead_ms)
        return Timeline.model_validate(told)


def _add_deletion(routes: APIRouter, on: Sessions) -> None:
    async def delete(principal: Principal, ids: list[str], target: str) -> Deleted:
        detail = {"sessions": str(len(ids))}
        await on.audit.record(principal, "replay.delete", target, tenant=principal.tenant, detail=detail)
        blocks = await delete_sessions(on.store, on.objects, principal.tenant, ids)
        return Deleted(sessions=len(ids), blocks=blocks)

    @routes.delete(
        "/sessions",
        summary="Delete all sessions of a user, blocks and rows",
    )
    async def delete_of_user(
        principal: Admin,
        user: Annotated[str, Query(min_length=1, max_length=2000, description="as recordings name the user")],
    ) -> Deleted:
        ids = await sessions_of_user(on.store, principal.tenant, user)
        return await delete(principal, ids, f"user {user}")

    @routes.delete("/sessions/{session}", summary="Delete a session, blocks and rows")
    async def delete_session(session: SessionId, principal: Admin) -> Deleted:
        await on.laid(principal.tenant, session)
        return await delete(principal, [session], f"session {session}")


def _block(placed: Placed) -> BlockRow:
    block = placed.block
    return BlockRow(
        block=block.name,
        tab=block.tab,
        form=block.form,
        first=block.first + placed.skip,
        started_at=format_time(block.facts.start * _MS),
        ended_at=format_time(block.facts.end * _MS),
        events=block.events - placed.skip,
        bytes=block.size,
        stored_bytes=block.stored,
        url=block.url,
        range=(0, block.stored),
        reason=block.reason,
        received_at=format_time(block.received * _MS),
        copies=block.copies,
    )

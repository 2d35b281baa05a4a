"""``/api/auth``: who the caller is, and a browser's way in and out."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from starlette.requests import Request

from airis_ray.errors import Unauthenticated
from airis_ray.gateway.models import Login, Me, me_of
from airis_ray.settings import Settings
from airis_ray.store.protocol import Store
from airis_ray.web.audit import Audit
from airis_ray.web.auth import Guard, Principal, require
from airis_ray.web.keys import KeyTable, is_session, key_id_of
from airis_ray.web.sessions import COOKIE, CSRF_COOKIE, csrf_token, session_of

LOGIN = "/api/auth/login"


def router(
    settings: Settings, store: Store, guard: Guard, clock: Callable[[], float] = time.time
) -> APIRouter:
    """The calls. ``LOGIN`` is public: it is where credentials are shown."""
    keys, audit = KeyTable(store, clock=clock), Audit(store, clock=clock)
    routes = APIRouter(prefix="/api/auth", tags=["auth"])

    @routes.post("/login", summary="Begin a browser session with an API key: sets its cookies")
    async def login(body: Login, request: Request, response: Response) -> Me:
        text = body.key.get_secret_value().strip()
        principal = await guard.authenticate(
            f"Bearer {text}", request.client.host if request.client else None
        )
        if not guard.disabled:
            await guard.admit(principal)
            made_of = key_id_of(text)
            if made_of is not None and is_session(made_of):
                raise Unauthenticated("a session makes no other sessions: log in with an API key")
            record = await keys.find(principal.key_id)
            now = clock()
            end = now + settings.login.lifetime
            if record is not None and record.expires is not None:
                end = min(end, record.expires.timestamp())
            _, session = await keys.create(
                tenant=principal.tenant,
                name="browser session",
                scopes=principal.scopes,
                created_by=principal.key_id,
                expires=datetime.fromtimestamp(end, UTC),
                session=True,
            )
            await audit.record(principal, "session.begin", principal.key_id, tenant=principal.tenant)
            _set_cookies(request, response, session, int(end - now))
        return me_of(principal)

    @routes.post("/logout", status_code=204, summary="End the browser session of this call's cookie")
    async def logout(request: Request, principal: Annotated[Principal, Depends(require())]) -> Response:
        session = session_of({b"cookie": request.headers.get("cookie", "").encode("latin1")})
        key_id = key_id_of(session) if session is not None else None
        if key_id is not None and is_session(key_id):
            record = await keys.find(key_id)
            if record is not None and record.created_by == principal.key_id:
                await audit.record(principal, "session.end", principal.key_id, tenant=principal.tenant)
                await keys.revoke(record)
        response = Response(status_code=204)
        for name in (COOKIE, CSRF_COOKIE):
            response.delete_cookie(name, samesite="lax", secure=_is_https(request), httponly=name == COOKIE)
        return response

    @routes.get("/me", summary="Who the caller is")
    async def me(principal: Annotated[Principal, Depends(require())]) -> Me:
        return me_of(principal)

    return routes


def _set_cookies(request: Request, response: Response, session: str, seconds: int) -> None:
    for name, value in ((COOKIE, session), (CSRF_COOKIE, csrf_token(session))):
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            httponly=name == COOKIE,
            samesite="lax",
            secure=_is_https(request),
        )


def _is_https(request: Request) -> bool:
    """Whether the browser's side of the connection is encrypted, here or at a proxy before us."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))

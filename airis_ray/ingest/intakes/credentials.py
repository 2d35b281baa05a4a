"""An API key in the ways in which other systems' clients send a secret."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

FAMILIES: Final = ("prometheus", "loki", "elastic", "splunk", "alerts")
"""First steps of the paths that this is for: a page's browser sends ``Basic`` by itself, hence nowhere else."""


class Credentials:
    """ASGI middleware that makes ``Bearer`` of other schemes; see :func:`bearer`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and family_of(scope) in FAMILIES:
            headers = [
                (name, bearer(value) if name == b"authorization" else value)
                for name, value in scope["headers"]
            ]
            scope = {**scope, "headers": headers}
        await self._app(scope, receive, send)


def family_of(scope: Scope) -> str:
    """The first step of a request's path inside this application."""
    path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
    return path.lstrip("/").partition("/")[0]


def bearer(authorization: bytes) -> bytes:
    """``Bearer <key>`` for ``Splunk <key>``, ``ApiKey <key>``, ``ApiKey base64(id:key)`` and ``Basic
    base64(user:key)``, where the key may also be the user; anything else as it is."""
    scheme, _, rest = authorization.strip().partition(b" ")
    rest = rest.strip()
    match scheme.lower():
        case b"splunk":
            return b"Bearer " + rest
        case b"apikey":
            _, _, key = _pair(rest).partition(b":")
            return b"Bearer " + (key or rest)
        case b"basic":
            user, _, password = _pair(rest).partition(b":")
            return b"Bearer " + (password or user)
    return authorization


def _pair(encoded: bytes) -> bytes:
    try:
        pair = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return b""
    return pair if b":" in pair and pair.isascii() else b""

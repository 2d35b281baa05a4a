"""Browser sessions: an API key, shown once at the login, becomes a cookie that ends by itself.

A session is a short-lived key of its own in the store, so that every replica knows it, a login outlives a dead Redis,
and logging out counts everywhere within seconds. The cookie is HttpOnly and SameSite=Lax. A call that changes something
carries ``X-CSRF-Token`` as well: it is derived from the session and readable by our own page alone.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final

from airis_ray.errors import Forbidden

COOKIE: Final = "airis_session"
CSRF_COOKIE: Final = "airis_csrf"
CSRF_HEADER: Final = "x-csrf-token"

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def csrf_token(session: str) -> str:
    """The token that goes with a session; it tells nothing of the session."""
    return hashlib.sha256(f"airis csrf {session}".encode()).hexdigest()[:32]


def session_of(headers: Mapping[bytes, bytes]) -> str | None:
    """The session in a request's cookies; None where there is none."""
    raw = headers.get(b"cookie")
    if raw is None:
        return None
    try:
        found = SimpleCookie(raw.decode("latin1")).get(COOKIE)
    except CookieError:
        return None
    return found.value if found is not None and found.value else None


def session_credentials(method: str, headers: Mapping[bytes, bytes]) -> bytes | None:
    """What the cookie stands for, as an ``Authorization`` value; None without one.

    Raises Forbidden for a call that may change something and does not show the session's token.
    """
    session = session_of(headers)
    if session is None:
        return None
    sent = headers.get(CSRF_HEADER.encode(), b"")
    if method not in _SAFE and not hmac.compare_digest(sent, csrf_token(session).encode()):
        raise Forbidden(
            f"a call with the session's cookie needs the header X-CSRF-Token: the value of the cookie {CSRF_COOKIE}"
        )
    return b"Bearer " + session.encode("latin1", "replace")

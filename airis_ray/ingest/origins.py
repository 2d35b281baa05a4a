"""Pages of other origins that may send: CORS for the ingest application (the Fetch standard's CORS protocol)."""

from __future__ import annotations

import re
from typing import Final

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

_DAY: Final = 86_400
_HEADERS: Final = (
    "authorization",
    "content-type",
    "content-encoding",
    "traceparent",
    "tracestate",
    "baggage",
)


def allow_origins(app: FastAPI, origins: str) -> None:
    """Answer preflight requests and mark answers for ``origins`` (see AIRIS_INGEST_ORIGINS); added last, it stands
    in front of the guard, since a preflight request carries no key. Cookies are never allowed."""
    names = [name for name in map(str.strip, origins.split(",")) if name]
    if not names:
        return
    wide = "|".join(
        re.escape(name).replace(r"://\*\.", r"://[A-Za-z0-9.-]+\.") for name in names if "://*." in name
    )
    app.add_middleware(
        CORSMiddleware,
        allow_origins=[name for name in names if "://*." not in name],
        allow_origin_regex=wide or None,
        allow_methods=["POST"],
        allow_headers=_HEADERS,
        expose_headers=["retry-after"],
        max_age=_DAY,
    )

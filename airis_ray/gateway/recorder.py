"""The browser recorder (``ui/recorder``): the one script that sites of other origins load from here."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from airis_ray.errors import NotFound

BUILT: Final = Path(__file__).parent / "assets" / "recorder.js"

_HEADERS: Final = {
    # An hour: a new version reaches every site within it, and a site of many pages asks once.
    "cache-control": "public, max-age=3600",
    "access-control-allow-origin": "*",  # for `crossorigin` and `integrity`; there is no secret in it
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
    "vary": "accept-encoding",
}


@dataclass(frozen=True)
class _Script:
    text: bytes
    packed: bytes
    tag: str


def recorder_endpoint(path: Path = BUILT) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint that answers the built script, gzipped where the browser takes it, 304 where it has it.

    Read once, when it is first asked for. Raises NotFound where it was not built.
    """
    found: list[_Script] = []

    async def recorder(request: Request) -> Response:
        if not found:
            found.append(_read(path))
        script = found[0]
        headers = {**_HEADERS, "etag": script.tag}
        if script.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(script.text, media_type="text/javascript", headers=headers)
        return Response(
            script.packed, media_type="text/javascript", headers={**headers, "content-encoding": "gzip"}
        )

    return recorder


def _read(path: Path) -> _Script:
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(
            "the browser recorder was not built with this installation: run `make recorder` in a checkout "
            "(it needs a package registry for npm)"
        ) from error
    return _Script(text, gzip.compress(text, mtime=0), f'W/"{hashlib.sha256(text).hexdigest()[:32]}"')

"""The pages of the gateway: single files that load nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from importlib import resources

from starlette.responses import HTMLResponse

from airis_ray import __version__


def page_endpoint(name: str) -> Callable[[], Awaitable[HTMLResponse]]:
    """The endpoint that answers one page, with headers that allow its own script and style and no other."""
    text = (resources.files(__name__) / name).read_text(encoding="utf-8").replace("{{version}}", __version__)
    headers = {
        "content-security-policy": _policy(text),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cache-control": "no-cache",
    }

    async def page() -> HTMLResponse:
        return HTMLResponse(text, headers=headers)

    return page


def _policy(text: str) -> str:
    sources = {tag: " ".join(_hashes(text, tag)) for tag in ("script", "style")}
    return (
        f"default-src 'none'; script-src {sources['script']}; style-src {sources['style']}; connect-src 'self'; "
        "img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )


def _hashes(text: str, tag: str) -> list[str]:
    inline = re.findall(rf"<{tag}>(.*?)</{tag}>", text, flags=re.DOTALL)
    return [
        f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'" for part in inline
    ]

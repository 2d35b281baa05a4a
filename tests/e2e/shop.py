"""A small shop on loopback that includes the recorder as any site would, and a page that replays."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

PLAYER: Final = Path(__file__).parents[2] / "ui/recorder/node_modules/@rrweb/replay/dist/replay.umd.min.cjs"

# The test's own look at what is recorded: a copy of each event before it is sent, which outlives the page.
_HOOK = """
window.airisOptions = {
  beforeEvent(event) {
    const place = Number(localStorage.getItem("seen") ?? 0); // the page may come back after another one
    localStorage.setItem(`seen.${place}`, JSON.stringify(event));
    localStorage.setItem("seen", String(place + 1));
    return event;
  },
};
"""
SEEN: Final = """() => Array.from({length: Number(localStorage.getItem("seen"))},
  (_, place) => JSON.parse(localStorage.getItem(`seen.${place}`)))"""

_PAGE = """<!doctype html>
<html lang="ko"><head><meta charset="utf-8"><title>{title}</title>
<style>button {{ color: rgb(1, 2, 3) }}</style>
<script>{hook}</script>
<script src="{endpoint}/recorder.js" data-key="{key}" data-service="shop-web" data-release="1.4.2"
  {attributes}></script>
</head><body>
<h1>{title}</h1>
<form onsubmit="return false">
  <label>이름 <input id="name" type="text"></label>
  <label>암호 <input id="password" type="password" autocomplete="off"></label>
  <input type="hidden" name="csrf" value="hidden-secret">
</form>
<p class="airis-mask">masked-secret</p>
<div class="airis-block"><p>blocked-secret</p></div>
<button id="add">담기</button> <button id="pay">결제</button> <button id="break">break</button>
<ul id="cart"></ul>
<a id="next" href="/done">next</a>
<script>
  const find = (id) => document.getElementById(id);
  const add = () => {{
    const item = document.createElement("li");
    item.textContent = "셔츠 " + (find("cart").children.length + 1);
    find("cart").append(item);
  }};
  find("add").onclick = add;
  find("pay").onclick = async () => {{
    const answer = await fetch("/pay?token=secret-token", {{method: "POST", body: "{{}}"}});
    console.error("payment declined:", answer.status, {{card: "none"}});
  }};
  find("break").onclick = () => {{ null.total; }};
</script></body></html>"""

_REPLAY = """<!doctype html><meta charset="utf-8"><div id="player"></div><script src="/replay.js"></script>"""


class Shop:
    """The pages ``/`` and ``/done``; ``/pay``, which always fails; ``/replay``. ``traces`` are headers that it saw."""

    def __init__(self, endpoint: str, key: str, attributes: str = "") -> None:
        self.traces: list[str] = []
        self._values = {"endpoint": endpoint, "key": key, "attributes": attributes, "hook": _HOOK}

    def app(self) -> Starlette:
        """The shop as an application."""
        return Starlette(
            routes=[
                Route("/", self._cart),
                Route("/done", self._done),
                Route("/pay", self._pay, methods=["POST"]),
                Route("/favicon.ico", self._nothing),
                Route("/replay", self._replay),
                Route("/replay.js", self._player),
            ]
        )

    async def _cart(self, _: Request) -> HTMLResponse:
        return HTMLResponse(_PAGE.format(title="장바구니", **self._values))

    async def _done(self, _: Request) -> HTMLResponse:
        return HTMLResponse(_PAGE.format(title="감사합니다", **self._values))

    async def _pay(self, request: Request) -> JSONResponse:
        self.traces.append(request.headers.get("traceparent", ""))
        return JSONResponse({"error": "declined"}, 502)

    async def _nothing(self, _: Request) -> Response:
        return Response(status_code=204)

    async def _replay(self, _: Request) -> HTMLResponse:
        return HTMLResponse(_REPLAY)

    async def _player(self, _: Request) -> FileResponse:
        return FileResponse(PLAYER, media_type="text/javascript")

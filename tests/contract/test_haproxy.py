"""HAProxy as the program starts it, in front of a server of the test's own."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from airis_ray.launch.config import serve_environment
from airis_ray.settings import Settings

_SECONDS = 20.0
_HEAD = b"POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"


class Backend:
    """Takes requests and answers none; says how far each has come."""

    def __init__(self) -> None:
        self.head, self.body, self.left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.head.set()
        await reader.readexactly(4)
        self.body.set()
        with suppress(ConnectionError):
            await reader.read()
        self.left.set()
        writer.close()


def options() -> list[str]:
    """What Serve's own configuration says of clients that leave, and of who copies bodies."""
    found = importlib.util.find_spec("ray")
    assert found is not None
    assert found.origin is not None
    template = Path(found.origin).parent / "serve" / "_private" / "haproxy_templates.py"
    lines = re.findall(r"^    option (?:abortonclose|splice-\w+)$", template.read_text(), re.MULTILINE)
    assert len(lines) == 3, lines
    return lines


@asynccontextmanager
async def haproxy(folder: Path, backend: int) -> AsyncIterator[int]:
    """The port at which it takes connections."""
    with socket.socket() as one, socket.socket() as two, socket.socket() as three:
        for probe in (one, two, three):
            probe.bind(("127.0.0.1", 0))
        port, metrics, stats = (int(probe.getsockname()[1]) for probe in (one, two, three))
    lines = ["defaults", "    mode http", *options()]
    lines += [f"    timeout {each} 60s" for each in ("connect", "client", "server")]
    lines += ["frontend prometheus", f"    bind :{metrics}", "listen stats", f"  bind *:{stats}"]
    lines += ["frontend http_frontend", f"    bind 127.0.0.1:{port}", "    default_backend one"]
    lines += ["backend one", f"    server one 127.0.0.1:{backend}", ""]
    config = folder / "haproxy.cfg"
    config.write_text("\n".join(lines))
    environ = serve_environment({"PATH": os.environ["PATH"]}, Settings.from_env({}))
    if "RAY_SERVE_HAPROXY_BINARY_PATH" not in environ:
        pytest.skip("there is no HAProxy for this machine")
    command = (environ["RAY_SERVE_HAPROXY_BINARY_PATH"], "-db", "-f", str(config))
    process = await asyncio.create_subprocess_exec(*command, env=environ, stderr=asyncio.subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.kill()
        await process.wait()


async def _connected(port: int) -> asyncio.StreamWriter:
    async with asyncio.timeout(_SECONDS):
        while True:
            with suppress(ConnectionError):
                return (await asyncio.open_connection("127.0.0.1", port))[1]
            await asyncio.sleep(0.02)


async def test_a_client_that_leaves_takes_its_request_with_it(tmp_path: Path) -> None:
    """Also where its body came apart from its head: what works for it hears of it, and may stop."""
    backend = Backend()
    server = await asyncio.start_server(backend.serve, "127.0.0.1", 0)
    async with server, haproxy(tmp_path, server.sockets[0].getsockname()[1]) as port:
        client = await _connected(port)
        async with asyncio.timeout(_SECONDS):
            client.write(_HEAD)
            await backend.head.wait()
            client.write(b"body")
            await backend.body.wait()
            client.close()
            await backend.left.wait()


async def test_its_page_and_its_metrics_listen_where_http_does(tmp_path: Path) -> None:
    async with haproxy(tmp_path, 1) as port:
        (await _connected(port)).close()
        config = (tmp_path / "haproxy.cfg").read_text()
    assert re.findall(r"bind (.*):\d+", config) == ["127.0.0.1"] * 3

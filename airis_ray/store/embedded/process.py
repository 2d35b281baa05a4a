"""A running embedded store: the folder, the port, the engine and the server, in the process that calls."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn

from airis_ray.errors import Unavailable
from airis_ray.settings import Settings
from airis_ray.store.disk import usage_of
from airis_ray.store.embedded.disk_guard import DiskGuard
from airis_ray.store.embedded.engine import Engine, Setup
from airis_ray.store.embedded.errors import ClickHouseError
from airis_ray.store.embedded.folder import FolderLock, check_data_dir, listen
from airis_ray.store.embedded.keyring import StoreKeys
from airis_ray.store.embedded.server import Server
from airis_ray.store.secrets import store_key

_MIB = 1 << 20
_LOG = logging.getLogger(__name__)


class EmbeddedStore:
    """Owns a data folder and a port from :meth:`start` to :meth:`stop`. At most one in a process.

    ``died`` is called, on the serving thread, where that ends without being told to; the reason is in the log by then.
    """

    def __init__(self, settings: Settings, *, died: Callable[[], None]) -> None:
        self._settings = settings
        self._died = died
        self._thread: threading.Thread | None = None
        self._server: uvicorn.Server | None = None
        self._is_stopping = False
        self._failure: BaseException | None = None

    def start(self) -> str:
        """Open the folder, listen, and return the URL; raises InvalidInput or Unavailable with one clear line."""
        settings = self._settings
        lock = check_data_dir(settings.data_dir)
        listener = None
        try:
            listener = listen(settings.store.port)
            key = store_key(settings.data_dir)
            engine = _open_engine(settings)
        except BaseException:
            lock.release()
            if listener is not None:
                listener.close()
            raise
        ready = threading.Event()
        run = asyncio.Runner(loop_factory=_new_loop)
        self._thread = threading.Thread(
            target=self._serve, args=(run, lock, listener, key, engine, ready), name="store", daemon=True
        )
        self._thread.start()
        ready.wait()
        if self._failure is not None:
            raise Unavailable(f"the store cannot serve: {self._failure}") from self._failure
        return f"http://127.0.0.1:{settings.store.port}"

    def stop(self) -> None:
        """End what runs and close the folder."""
        self._is_stopping = True
        if self._server is not None:
            self._server.should_exit = True
        self.wait()

    def wait(self) -> None:
        """Return once the store has ended."""
        if self._thread is not None:
            self._thread.join()

    def _serve(
        self,
        runner: asyncio.Runner,
        lock: FolderLock,
        listener: socket.socket,
        key: str,
        engine: Engine,
        ready: threading.Event,
    ) -> None:
        settings = self._settings
        keys = StoreKeys(
            engine,
            store_key=key,
            admin_file=settings.data_dir / "admin.key",
            open_to_all=settings.auth == "disabled",
        )
        guard = DiskGuard(
            partial(_rows, engine, settings), settings.disk, lambda: usage_of(settings.data_dir)
        )
        stopped = threading.Event()
        watch = threading.Thread(target=guard.run, args=(stopped,), name="disk guard", daemon=True)
        watch.start()
        server = Server(engine, keys, settings.store, check=guard.check)
        try:
            with runner:
                runner.run(self._until_stopped(server, listener, ready))
        except BaseException as problem:
            self._fail(problem, ready)
        else:
            if not self._is_stopping:
                self._fail(RuntimeError("the server has ended by itself"), ready)
        finally:
            ready.set()
            stopped.set()
            watch.join()  # the engine ends when its last connection does
            engine.close()
            lock.release()

    def _fail(self, problem: BaseException, ready: threading.Event) -> None:
        """Before it serves, ``start`` tells; afterwards nobody would."""
        _LOG.critical("the store has stopped serving", exc_info=problem)
        if not ready.is_set():
            self._failure = problem
        elif not self._is_stopping:
            self._died()

    async def _until_stopped(self, server: Server, listener: socket.socket, ready: threading.Event) -> None:
        # It reports answers that are broken off on purpose; everything else is reported by the server itself.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        config = uvicorn.Config(
            server,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_keep_alive=75,
            timeout_graceful_shutdown=5,
            server_header=False,
        )
        self._server = uvicorn.Server(config)
        ready.set()
        try:
            await self._server.serve(sockets=[listener])
        finally:
            await server.close()


def _new_loop() -> asyncio.AbstractEventLoop:
    """uvloop where it is installed: half a millisecond less for each request."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _rows(engine: Engine, settings: Settings, sql: str) -> list[list[str]]:
    """What a statement answers. Names and numbers alone: nothing in it needs escaping."""
    with engine.connected(Setup(database=settings.store.database)) as connection:
        text = bytes(connection.run(sql, "TabSeparatedRaw")).decode()
    return [line.split("\t") for line in text.splitlines()]


def _open_engine(settings: Settings) -> Engine:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    options = {
        # Enough for one query at its limit with merges beside it; never more than half the machine.
        "max_server_memory_usage": min(max(2 * settings.store.max_query_memory, memory // 4), memory // 2),
        # Merges of all columns at once hold 20 to 30 MB a part: no further one starts while those under way have this.
        "merges_mutations_memory_usage_soft_limit": 384 * _MIB,
        # Caches fill as they are used; the engine's own bounds (5 GiB each) are made for servers.
        "mark_cache_size": 256 * _MIB,
        "index_mark_cache_size": 128 * _MIB,
        "primary_index_cache_size": 256 * _MIB,
        "query_condition_cache_size": 32 * _MIB,
    }
    path = Path(settings.data_dir / "store").absolute()
    try:
        return Engine(str(path), options=options)
    except (ClickHouseError, RuntimeError) as problem:
        raise Unavailable(f"the store in {path} cannot be opened: {str(problem).splitlines()[0]}") from None


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises InvalidInput or Unavailable where it cannot start, Unavailable where it stops serving by itself.
    """
    stopped, dead = threading.Event(), threading.Event()

    def died() -> None:
        dead.set()
        stopped.set()

    store = EmbeddedStore(settings, died=died)

    def stop(signum: int, frame: FrameType | None) -> None:
        stopped.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, stop)
    store.start()
    stopped.wait()
    store.stop()
    if dead.is_set():
        raise Unavailable("the store has stopped serving; the log says why")

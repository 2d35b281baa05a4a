"""Where blocks lie: an object store, spoken to through fsspec.

A block's path is ``<tenant>/<day>/<session>/<form>.<tab>.<first>.<digest>.zst``, by the day (UTC) of its first event:
what is too old goes by whole days, without asking the store. A path names its content, so that writing it twice is
harmless. Paths that are kept are relative to the place that ``AIRIS_REPLAY_URL`` names: recordings can be moved.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import fsspec
from fsspec.implementations.local import LocalFileSystem

from airis_ray.errors import StorageFull, Unavailable
from airis_ray.replay.chunks import Chunk
from airis_ray.settings import Settings

T = TypeVar("T")

_THREADS: Final = 8
"""Requests to the object store at once, of one process."""
_SECONDS: Final = 30.0
_DAY_SECONDS: Final = 600.0  # 100,000 blocks by a thousand a request
_AT_ONCE: Final = 50  # blocks that a thread removes, one request each
_NO_SPACE: Final = 28  # ENOSPC


def path_of(tenant: str, chunk: Chunk) -> str:
    """Where a chunk's block lies."""
    day = datetime.fromtimestamp(chunk.facts.start / 1000, UTC).strftime("%Y-%m-%d")
    origin = chunk.origin
    name = f"{origin.form}.{quote(origin.tab, safe='')}.{chunk.first}.{chunk.digest}.zst"
    return f"{quote(tenant, safe='')}/{day}/{quote(origin.session, safe='')}/{name}"


class Objects:
    """Writes, reads and removes blocks. Raises Unavailable where the object store does not do it."""

    def __init__(self, url: str) -> None:
        """``url``: a local folder, or whatever fsspec knows; its credentials come from the surroundings."""
        self._fs, root = fsspec.core.url_to_fs(url)
        self._root = str(root).rstrip("/")
        self.local = self._root if isinstance(self._fs, LocalFileSystem) else None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="blocks")
        self._writer = secrets.token_hex(4)  # no other's, on whatever machine: a folder may be shared
        self._written = itertools.count()

    @classmethod
    def of(cls, settings: Settings) -> Objects:
        """Those that the settings name."""
        return cls(settings.replay.url or str((settings.data_dir / "replay").absolute()))

    async def put(self, path: str, data: bytes) -> None:
        """Return once the object is there for good: on this machine's disk, or acknowledged by the object store."""
        await self._run(self._put_local if self.local is not None else self._put, self._at(path), data)

    async def get(self, path: str) -> bytes | None:
        """The object; None where there is none (any more)."""

        def read(at: str) -> bytes | None:
            try:
                return bytes(self._fs.cat_file(at))
            except FileNotFoundError:
                return None

        return await self._run(read, self._at(path))

    async def remove(self, paths: Sequence[str]) -> None:
        """Remove objects; those that are not there are no error."""

        def remove(names: list[str]) -> None:
            for name in names:
                try:
                    self._fs.rm_file(name)
                except FileNotFoundError:
                    continue
            if self.local is not None:
                for folder in {os.path.dirname(name) for name in names}:
                    with contextlib.suppress(OSError):  # others' blocks are in it, or it is gone already
                        os.rmdir(folder)

        parts = [paths[start : start + _AT_ONCE] for start in range(0, len(paths), _AT_ONCE)]
        for first in range(0, len(parts), _THREADS):
            among = parts[first : first + _THREADS]
            await asyncio.gather(*(self._run(remove, [self._at(path) for path in part]) for part in among))

    async def days(self) -> list[tuple[str, str]]:
        """Every tenant (as it is quoted in paths) with each day of which it has recordings."""

        def walk(root: str) -> list[tuple[str, str]]:
            return [
                (tenant.rpartition("/")[2], day.rpartition("/")[2])
                for tenant in self._folders(root)
                for day in self._folders(tenant)
            ]

        return await self._run(walk, self._root)

    async def remove_day(self, tenant: str, day: str) -> None:
        """Remove all that a tenant (quoted) recorded on a day."""

        def remove(at: str) -> None:
            self._fs.invalidate_cache()  # another replica may have written since it was listed
            try:
                self._fs.rm(at, recursive=True)
            except FileNotFoundError:
                return
            self._fs.invalidate_cache()
            if self._fs.exists(at):  # s3fs says nothing of keys that could not be deleted
                raise PermissionError(f"{at} cannot be removed")

        await self._run(remove, self._at(f"{tenant}/{day}"), seconds=_DAY_SECONDS)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False)

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _folders(self, at: str) -> list[str]:
        try:
            self._fs.invalidate_cache()
            return sorted(
                each["name"] for each in self._fs.ls(at, detail=True) if each["type"] == "directory"
            )
        except FileNotFoundError:
            return []

    def _put(self, at: str, data: bytes) -> None:
        self._fs.pipe_file(at, data)

    def _put_local(self, at: str, data: bytes) -> None:
        """Into a file beside it, synced, then renamed: what has the name is whole also after a power cut."""
        folder = os.path.dirname(at)
        beside = f"{at}.{self._writer}.{next(self._written)}"
        changed = [folder]
        try:
            _write(beside, data)
        except FileNotFoundError:
            os.makedirs(folder, exist_ok=True)
            _write(beside, data)
            while len(changed[-1]) > max(1, len(self._root)):
                changed.append(os.path.dirname(changed[-1]))
        os.replace(beside, at)
        for each in changed:
            entries = os.open(each, os.O_RDONLY)
            try:
                os.fsync(entries)
            finally:
                os.close(entries)

    async def _run(self, work: Callable[..., T], *args: Any, seconds: float = _SECONDS) -> T:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                return await loop.run_in_executor(self._threads, work, *args)
        except TimeoutError:
            raise Unavailable(f"the object store of recordings did not answer within {seconds:g} s") from None
        except Exception as error:  # s3fs hands through what botocore raises, which is no OSError
            if isinstance(error, OSError) and error.errno == _NO_SPACE:
                raise StorageFull("the disk of recordings is full") from error
            raise Unavailable(f"the object store of recordings: {type(error).__name__}") from error


def _write(path: str, data: bytes) -> None:
    """A new file, synced; one that could not be written whole is removed again."""
    with open(path, "xb", buffering=0) as file:
        try:
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
            os.fsync(file.fileno())
        except OSError:
            os.unlink(path)
            raise

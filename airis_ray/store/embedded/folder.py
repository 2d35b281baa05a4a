"""The data folder and the port of an embedded store: one owner each, or one clear line."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from airis_ray.errors import InvalidInput, Unavailable

_HOST = "127.0.0.1"


@dataclass
class FolderLock:
    """Keeps the folder to this process until it ends, however it ends."""

    descriptor: int

    def release(self) -> None:
        """Let others have it."""
        os.close(self.descriptor)


def check_data_dir(data_dir: Path) -> FolderLock:
    """Take the data folder, making it where it is not there.

    InvalidInput where it cannot be written, Unavailable where another running instance owns it.
    """
    path = data_dir / "store.lock"
    try:
        (data_dir / "store").mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        reason = os.strerror(problem.errno or 0)
        raise InvalidInput(
            f"the data folder {data_dir} cannot be written: {reason} (AIRIS_DATA_DIR)"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
        os.close(descriptor)
        raise Unavailable(
            f"the data folder {data_dir} is owned by another running instance"
            f"{f' (process {owner})' if owner else ''}; stop it or set AIRIS_DATA_DIR"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return FolderLock(descriptor)


def listen(port: int) -> socket.socket:
    """A listening socket on the loopback. InvalidInput where the port is in use or not to be had."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except OSError as problem:
        listener.close()
        reason = "is in use" if problem.errno == errno.EADDRINUSE else os.strerror(problem.errno or 0)
        raise InvalidInput(f"port {port} on {_HOST} {reason}; set AIRIS_STORE_PORT to a free one") from None
    listener.listen(1024)
    return listener

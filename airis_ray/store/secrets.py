"""The key by which the platform's own parts speak to the embedded store."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from airis_ray.errors import Unavailable

_FILE: Final = "store.key"


def store_key(data_dir: Path) -> str:
    """The key in ``data_dir/store.key`` (mode 0600), made by whoever asks first.

    Several processes may ask at once: all get the same key. Unavailable where the folder cannot be written.
    """
    path = data_dir / _FILE
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _create(path)
        key = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise Unavailable(f"cannot keep the store's key in {path}: {error.strerror}") from error
    if not key:
        raise Unavailable(f"{path} is empty: remove it and start again")
    return key


def _create(path: Path) -> None:
    """Put a new key there in one step: a reader sees a whole key, and the first writer wins."""
    draft = path.with_name(f"{_FILE}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"airis_store_{secrets.token_urlsafe(32)}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()

"""Keys in the data folder, mode 0600: made once, read by every process of the instance."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from airis_ray.errors import InvalidInput
from airis_ray.web.keys import key_id_of, new_key

ADMIN_KEY: Final = "admin.key"
SELF_KEY: Final = "self.key"


def admin_key(data_dir: Path) -> tuple[str, bool]:
    """The administrator's key, and whether it was made just now: then the caller prints it, once.

    Raises InvalidInput where the folder cannot be written or the file holds no key.
    """
    return _key_file(data_dir / ADMIN_KEY, "admin")


def self_key(data_dir: Path) -> str:
    """The key by which the platform sends its own telemetry: tenant ``airis``, scope ``ingest``."""
    return _key_file(data_dir / SELF_KEY, "self")[0]


def _key_file(path: Path, key_id: str) -> tuple[str, bool]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = not path.exists() and _make(path, new_key(key_id)[1])
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be written or read: {os.strerror(error.errno or 0)}") from None
    if key_id_of(text) is None:
        raise InvalidInput(f"{path} holds no API key; delete it to have a new one made")
    return text, made


def _make(path: Path, text: str) -> bool:
    """Write the file whole or not at all; False where another process was first."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, never replaces a key that is there
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True

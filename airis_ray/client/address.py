"""Which AIRIS-Ray is asked, and with which key."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from airis_ray.errors import InvalidInput
from airis_ray.settings import Settings

_HERE: Final = ("127.0.0.1", "::1", "localhost")


def resolve(settings: Settings, url: str | None, key: str | None) -> tuple[str, str | None]:
    """The address and the key that count: the given ones, else ``AIRIS_URL`` and ``AIRIS_KEY``, else this machine's.

    The administrator's key in the data folder goes to this machine alone. Raises InvalidInput where that file cannot
    be read.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.http.host, settings.http.host)
    url = url or settings.url or f"http://{host}:{settings.http.port}"
    if key is None and settings.key is not None:
        key = settings.key.get_secret_value()
    if key is None and urlsplit(url).hostname in (*_HERE, settings.http.host):
        file = settings.data_dir / "admin.key"
        try:
            key = file.read_text(encoding="utf-8").strip() if file.is_file() else None
        except OSError as error:
            raise InvalidInput(f"{file}: {error.strerror}; give a key with --key or AIRIS_KEY") from None
    return url, key

"""What must hold before anything is started; each failure is one sentence that says what to do."""

from __future__ import annotations

import errno
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from airis_ray.errors import InvalidInput, Unavailable
from airis_ray.settings import Settings
from airis_ray.store.embedded.folder import check_data_dir

_REACH_SECONDS = 4.0  # the whole of the checks has to end within 10 s
_REDIS_SECONDS = 0.5  # each for the connect and the answer; a cache that takes longer is none

Port: TypeAlias = tuple[str, str, int]
"""What names the port for the operator, the host and the number."""


def preflight(settings: Settings) -> None:
    """Check the data folder, the ports and the stateful tier.

    Raises InvalidInput or Unavailable with the sentence to print.
    """
    check_parts(settings)
    served: list[Port] = [
        ("AIRIS_HTTP_PORT", settings.http.host, settings.http.port),
        ("AIRIS_GRPC_PORT", settings.http.host, settings.grpc.port),
    ]
    check_ports(served + store_ports(settings))


def check_parts(settings: Settings) -> None:
    """Check the data folder and the stateful tier; raises as :func:`preflight`."""
    check_data_dir(settings.data_dir).release()
    if settings.clickhouse_url is not None:
        _check_clickhouse(settings.clickhouse_url)
    if settings.kafka.bootstrap is not None:
        from airis_ray.stream.topics import reach  # loads librdkafka

        reach(settings.kafka, _REACH_SECONDS)
    if settings.redis.url is not None:
        _check_redis(settings.redis.url)


def store_ports(settings: Settings) -> list[Port]:
    """Where the embedded store listens, if it is this instance's."""
    return [] if settings.clickhouse_url else [("AIRIS_STORE_PORT", "127.0.0.1", settings.store.port)]


def check_ports(ports: Sequence[Port]) -> None:
    """Check that the ports differ and are free; raises as :func:`preflight`."""
    numbers = [port for _, _, port in ports]
    for name, _, port in ports:
        if numbers.count(port) > 1:
            raise InvalidInput(f"{name}={port}: the HTTP, gRPC and store ports must differ")
    for name, host, port in ports:
        _check_port(name, host, port)


def _check_port(name: str, host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Unavailable(
                    f"port {port} on {host} is in use: stop what listens there or set {name} to a free port"
                ) from None
            raise InvalidInput(
                f"{name}={port} on {host}: cannot listen there: {os.strerror(error.errno or 0)}"
            ) from None


def _check_clickhouse(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise InvalidInput(f"AIRIS_CLICKHOUSE_URL={_without_password(url)!r}: expected http://… or https://…")
    try:
        with urllib.request.urlopen(_ping_address(url), timeout=_REACH_SECONDS) as answer:
            answer.read(16)
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise Unavailable(
            f"AIRIS_CLICKHOUSE_URL: no ClickHouse answers at {_without_password(url)}: {reason}"
        ) from None


def _ping_address(url: str) -> str:
    """Where a ClickHouse answers without a password and whatever database there is; ports as the store's client."""
    parts = urlsplit(url)
    port = parts.port or (8443 if parts.scheme == "https" else 8123)
    host = parts.netloc.rpartition("@")[2].removesuffix(f":{parts.port}")
    return f"{parts.scheme}://{host}:{port}/ping"


def _check_redis(url: str) -> None:
    """The program runs without its Redis; one that does not answer at the start is a wrong address."""
    from redis import Redis, RedisError  # a start without a Redis does not pay for its client
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    seconds = _REDIS_SECONDS
    try:
        once = Retry(NoBackoff(), 0)
        with Redis.from_url(
            url, socket_connect_timeout=seconds, socket_timeout=seconds, retry=once, protocol=2
        ) as redis:
            redis.ping()
    except (RedisError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else repr(error)
        raise Unavailable(
            f"AIRIS_REDIS_URL: no Redis answers at {_without_password(url)}: {reason}"
        ) from None


def _without_password(url: str) -> str:
    scheme, separator, rest = url.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2].split('?')[0]}"


def absolute(settings: Settings) -> Settings:
    """The settings with absolute paths: Ray's workers run in folders of their own."""
    kafka = settings.kafka
    files = {name: value.expanduser().resolve() for name, value in kafka if isinstance(value, Path)}
    return settings.model_copy(
        update={
            "data_dir": Path(settings.data_dir).expanduser().resolve(),
            "kafka": kafka.model_copy(update=files),
        }
    )

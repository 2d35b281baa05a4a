"""What a `serve run` of this machine gets before its Ray starts: the checks, and the environment of `airis up`.

Ray asks nobody between reading its file and starting; but reading it imports the scaling policy that the file names,
and :mod:`airis_ray.stream.policy` calls :func:`prepare_serve_run`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from airis_ray.errors import AirisError
from airis_ray.launch.config import serve_environment
from airis_ray.launch.preflight import Port, absolute, check_parts, check_ports, store_ports
from airis_ray.launch.process import MARK
from airis_ray.settings import Settings

_REFUSED: Final = 2


def prepare_serve_run(argv: Sequence[str]) -> None:
    """Check what must hold for the configuration that ``argv`` runs, and begin anew in the environment Serve needs.

    Raises SystemExit after the one sentence where it cannot work. Returns where nothing is to be done: `airis up`,
    or this function before, has checked and set the environment, or the cluster runs already and its data are its own.
    """
    if _joins_a_cluster(argv, os.environ):
        return
    ports = _served_ports(argv)
    try:
        settings = Settings.from_env()
        known = {"AIRIS_HTTP_PORT": settings.http.port, "AIRIS_GRPC_PORT": settings.grpc.port}
        # The file decides where this instance listens; its own telemetry goes there, too.
        served = {name: str(port) for name, (_, _, port) in ports.items() if port != known[name]}
        settings = absolute(Settings.from_env({**os.environ, **served}))
        environ = serve_environment({**os.environ, **served}, settings)
        if environ == os.environ:
            return
        check_parts(settings)
        check_ports([*ports.values(), *store_ports(settings)])
    except AirisError as error:
        sys.stderr.write(f"{MARK}{error}\n")
        raise SystemExit(_REFUSED) from None
    os.umask(0o077)  # telemetry, logs and HAProxy's control socket are this user's alone
    # Ray and Serve read most of it when they are imported, which they are by now.
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environ)


def _joins_a_cluster(argv: Sequence[str], environ: Mapping[str, str]) -> bool:
    named = "RAY_ADDRESS" in environ or any(part.startswith(("-a", "--address")) for part in argv)
    # Where `ray start` writes the cluster that `serve run` would join.
    folder = Path(environ.get("RAY_TMPDIR", tempfile.gettempdir()))
    return named or (folder / "ray" / "ray_current_cluster").exists()


def _served_ports(argv: Sequence[str]) -> dict[str, Port]:
    """Where the configuration listens, by setting; a part of it that is no address is Serve's to refuse."""
    file = next((part for part in argv if part.endswith((".yaml", ".yml")) and Path(part).is_file()), None)
    if file is None:
        return {}
    config: dict[str, Any] = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
    host = str(config.get("http_options", {}).get("host", "127.0.0.1"))
    return {
        f"AIRIS_{kind.upper()}_PORT": (f"{kind}_options.port of {file}", host, port)
        for kind in ("http", "grpc")
        if isinstance(port := config.get(f"{kind}_options", {}).get("port"), int)
    }

"""`airis up`: checks, `serve run`, and a word to the operator when everything answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from airis_ray.errors import Unavailable
from airis_ray.launch.config import config_file, instance_config, serve_environment
from airis_ray.launch.preflight import absolute, preflight
from airis_ray.launch.process import ServeProcess
from airis_ray.settings import Settings
from airis_ray.web.key_files import admin_key

Say = Callable[[str], None]

_START_SECONDS = 300.0  # a machine at ten times its load took 153 s
_RETRIES = 2


@dataclass(frozen=True)
class Options:
    """How to start: ``demo`` None asks at a terminal."""

    config: Path | None = None
    demo: bool | None = None
    verbose: bool = False


class _Stopped(Exception):
    """SIGINT or SIGTERM came."""


def up(options: Options, say: Say) -> int:
    """Run until stopped; the exit status for the shell.

    Raises InvalidInput or Unavailable before anything was started.
    """
    # Telemetry, logs and HAProxy's control socket (which Serve opens to everybody) are this user's alone.
    os.umask(0o077)
    settings = absolute(Settings.from_env())
    preflight(settings)
    key, is_new = admin_key(settings.data_dir)
    config = instance_config(config_file(options.config), settings)
    environ = serve_environment(os.environ, settings)
    log = settings.data_dir / "logs" / "serve.log"
    signal.signal(signal.SIGINT, _on_signal)
    signal.signal(signal.SIGTERM, _on_signal)
    say(f"starting: serve run {config}  (log: {log})")
    echo = say if options.verbose else None
    serve = ServeProcess(config, environ, log, echo)
    demo: subprocess.Popen[bytes] | None = None
    try:
        start = time.monotonic()
        for retries in range(_RETRIES, -1, -1):
            if _wait_ready(serve, settings, key, log, retries):
                break
            say("the machine is too busy for Ray to start in its time: trying again")
            serve.stop()
            serve = ServeProcess(config, environ, log, echo)
        seconds = time.monotonic() - start
        _greet(settings, key if is_new else None, seconds, say)
        is_new = False  # it has been shown
        demo = _start_demo(options, settings, environ, say)
        status = serve.wait()
        raise Unavailable(f"serve run ended with status {status}: {serve.problem or f'see {log}'}")
    except _Stopped:
        say("stopping: draining what is under way")
        return 0
    finally:
        if is_new:  # the start failed, and the next one finds the key made
            say(_made(settings, key))
        if demo is not None and demo.poll() is None:
            demo.terminate()
        serve.stop()


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    # A second signal must not break the drain that the first one started.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Stopped


def _wait_ready(serve: ServeProcess, settings: Settings, key: str, log: Path, retries: int) -> bool:
    """True once everything answers, False where Ray should be started once more; raises where that is no use."""
    limit = time.monotonic() + _START_SECONDS
    state = "no answer yet"
    while time.monotonic() < limit:
        if serve.ended() is not None:
            status = serve.wait()
            if serve.overloaded and retries:
                return False
            raise Unavailable(serve.problem or f"serve run ended with status {status}: see {log}")
        ready, state = _ready(settings, key)
        if ready:
            return True
        if "DEPLOY_FAILED" in state:  # Serve has given up on an application and stays up without it
            raise Unavailable(f"{state}: see {log}")
        time.sleep(0.25)
    raise Unavailable(f"not ready after {_START_SECONDS:.0f} s: {serve.problem or state}; see {log}")


def _ready(settings: Settings, key: str) -> tuple[bool, str]:
    request = urllib.request.Request(
        f"{base_url(settings)}/readyz", headers={"Authorization": f"Bearer {key}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=3.0) as answer:
            return True, answer.read(1000).decode()
    except urllib.error.HTTPError as error:
        return False, _waiting(error.read(20_000))
    except (urllib.error.URLError, OSError) as error:
        return False, str(getattr(error, "reason", error))


def _waiting(body: bytes) -> str:
    """The parts that are not ready yet, each with its state."""
    try:
        parts: dict[str, Any] = json.loads(body)["parts"]
        waiting = {name: part for name, part in parts.items() if part["state"] != "ready"}
        return ", ".join(f"{name}: {part['detail'] or part['state']}" for name, part in waiting.items())
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")


def base_url(settings: Settings) -> str:
    """The address that a client on this machine uses."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.http.host, settings.http.host)
    return f"http://{host}:{settings.http.port}"


def _greet(settings: Settings, key: str | None, seconds: float, say: Say) -> None:
    say(
        f"ready after {seconds:.0f} s: {base_url(settings)}   OTLP/HTTP {base_url(settings)}/v1/logs|traces|metrics"
    )
    say(f"OTLP/gRPC {settings.http.host}:{settings.grpc.port}")
    if key is not None:
        say(_made(settings, key))
    else:
        say(f"admin key: {settings.data_dir / 'admin.key'}")


def _made(settings: Settings, key: str) -> str:
    return f"admin key (shown this once, kept in {settings.data_dir / 'admin.key'}): {key}"


def _start_demo(
    options: Options, settings: Settings, environ: dict[str, str], say: Say
) -> subprocess.Popen[bytes] | None:
    wanted = options.demo
    if wanted is None and sys.stdin.isatty():
        wanted = input("send demo traffic of a made-up web shop? [Y/n] ").strip().lower() in ("", "y", "yes")
    if not wanted:
        say("no data yet? `.venv/bin/airis demo` sends the traffic of a made-up web shop")
        return None
    say("demo traffic is being sent (airis demo)")
    log = settings.data_dir / "logs" / "demo.log"
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("airis")), "demo", "--json"],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

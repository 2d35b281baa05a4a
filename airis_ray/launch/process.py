"""`serve run` as a child of ours: its output kept in a rotating file, its end told, its stop bounded."""

from __future__ import annotations

import ctypes
import logging
import logging.handlers
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

MARK = "airis: "
"""What a replica or a builder prints before a sentence that is meant for the operator."""

_DRAIN_SECONDS = 75.0  # Serve drains ingress replicas for 35 s and deletes in tiers
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PR_SET_PDEATHSIG = 1
_RAY_TOO_SLOW = (
    "The current node timed out during startup"  # Ray waits 30 s for its raylet, which it cannot be told
)


class ServeProcess:
    """One running `serve run`.

    ``problem`` is the last sentence that it printed for the operator, ``overloaded`` whether Ray gave up because the
    machine was too busy to start in its time.
    """

    def __init__(
        self, config: Path, environ: Mapping[str, str], log: Path, echo: Callable[[str], None] | None
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.problem: str | None = None
        self.overloaded = False
        self._echo = echo
        self._log = logging.handlers.RotatingFileHandler(
            log, maxBytes=20_000_000, backupCount=3, encoding="utf-8"
        )
        self._log.setFormatter(logging.Formatter("%(message)s"))
        self._child = subprocess.Popen(
            [str(Path(sys.executable).with_name("serve")), "run", str(config)],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # the terminal's Ctrl-C reaches it once, through us
            preexec_fn=_die_with_parent,
        )
        assert self._child.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._child.stdout,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._child.pid

    def ended(self) -> int | None:
        """The exit status, None while it runs."""
        return self._child.poll()

    def wait(self) -> int:
        """Wait for its end; an interrupt passes through."""
        status = self._child.wait()
        self._reader.join(5.0)
        return status

    def stop(self) -> None:
        """Drain and stop: the interrupt that `serve run` knows, then harder means, each with a bound."""
        for means, seconds in (
            (signal.SIGINT, _DRAIN_SECONDS),
            (signal.SIGTERM, 15.0),
            (signal.SIGKILL, 5.0),
        ):
            if self._child.poll() is not None:
                break
            self._child.send_signal(means)
            try:
                self._child.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
        self._reader.join(5.0)
        self._log.close()

    def _read(self, output: IO[str]) -> None:
        for line in output:
            plain = _COLOUR.sub("", line.rstrip("\n"))
            _, mark, sentence = plain.partition(MARK)
            if mark:
                self.problem = sentence
            self.overloaded = self.overloaded or _RAY_TOO_SLOW in plain
            self._log.emit(logging.LogRecord("serve", logging.INFO, "", 0, plain, None, None))
            if self._echo is not None:
                self._echo(plain)


def _die_with_parent() -> None:
    """In the child: end when the launcher is killed, so that no orphan holds the ports (Linux)."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

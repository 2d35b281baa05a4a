"""A model in a process of its own, of bounded memory and time; started when first asked, and again after a fall."""

from __future__ import annotations

import contextlib
import json
import signal
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import numpy as np

from airis_ray.aiops.custom.card import Card
from airis_ray.aiops.protocol import Singles
from airis_ray.aiops.series import Floats
from airis_ray.errors import Unprocessable
from airis_ray.settings import ModelSettings

_WORKER: Final = Path(__file__).with_name("worker.py")
_START_SECONDS: Final = 30.0
"""An interpreter with its libraries is up in half a second; on a machine that is busy it may take so long."""
_SENTENCE: Final = 1000
"""Bytes of a sentence of the worker's, at most."""


class ModelProcess:
    """One model, for several threads: they take turns.

    It holds the artefact, and a process once it was asked. What comes back are numbers, and nothing else is believed:
    a model that fell into a stranger's hands could do no more than score wrongly.
    """

    def __init__(self, card: Card, artefact: bytes, settings: ModelSettings) -> None:
        self.card, self._artefact = card, artefact
        self._memory, self._timeout = settings.memory, settings.timeout
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[[subprocess.Popen[bytes]], ModelProcess] | None = None

    @property
    def id(self) -> str:
        """See :class:`.detector.Model`."""
        return self.card.id

    @property
    def width(self) -> int:
        """See :class:`.detector.Model`."""
        return self.card.width

    def score(self, windows: Singles) -> Floats:
        """See :class:`.detector.Model`."""
        with self._turn, self._bounded() as process:
            assert process.stdin is not None
            process.stdin.write(struct.pack("<I", len(windows)))
            process.stdin.write(np.ascontiguousarray(windows, "<f4").data)
            process.stdin.flush()
            found = np.frombuffer(self._answer(process, 4 * len(windows)), "<f4")
        if not np.isfinite(found).all():
            raise Unprocessable(f"the model {self.id} gave what is no number")
        return found.astype(np.float64)

    def close(self) -> None:
        """End the process; who asks again starts another one."""
        with self._turn:
            self._kill()

    @contextlib.contextmanager
    def _bounded(self) -> Iterator[subprocess.Popen[bytes]]:
        """The process, which is killed if the block takes longer than the model may; any failure ends it."""
        late = threading.Event()

        def end() -> None:
            late.set()
            if self._process is not None:
                self._process.kill()

        running = self._process is not None and self._process.poll() is None
        timer = threading.Timer(self._timeout + (0.0 if running else _START_SECONDS), end)
        timer.daemon = True
        timer.start()
        try:
            yield self._started()
        except (OSError, EOFError):
            ended = self._process
            self._kill()
            slow = late.is_set() or (ended is not None and ended.returncode == -signal.SIGALRM)
            why = f"took longer than {self._timeout:g} s" if slow else "ended: out of memory, or a fault"
            raise Unprocessable(f"the model {self.id} {why}; its process was ended") from None
        except Unprocessable:
            self._kill()
            raise
        finally:
            timer.cancel()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._kill()
        # -I: neither this process's environment nor its folder tells the interpreter what to import.
        process = subprocess.Popen(
            [sys.executable, "-I", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            cwd="/",
        )
        self._process = process
        self._end = weakref.finalize(self, _ended, process)
        assert process.stdin is not None
        header = {"bytes": len(self._artefact), "width": self.width, "output": self.card.output}
        process.stdin.write(
            json.dumps({**header, "memory": self._memory, "seconds": self._timeout}).encode() + b"\n"
        )
        process.stdin.write(self._artefact)
        process.stdin.flush()
        self._answer(process, 0)
        return process

    def _answer(self, process: subprocess.Popen[bytes], size: int) -> bytes:
        assert process.stdout is not None
        if _whole(process.stdout, 1) == b"\0":
            return _whole(process.stdout, size)
        length = min(struct.unpack("<I", _whole(process.stdout, 4))[0], _SENTENCE)
        sentence = _whole(process.stdout, length).decode(errors="replace")
        raise Unprocessable(f"the model {self.id} {sentence}")

    def _kill(self) -> None:
        if self._end is not None:
            self._end()
        self._process = self._end = None


def _whole(source: IO[bytes], size: int) -> bytes:
    found = source.read(size) if size else b""
    if len(found) != size:
        raise EOFError
    return found


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):  # what was not written any more
                stream.close()

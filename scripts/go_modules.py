"""Programs that tests need from Go's module proxy: nothing is downloaded ready-made, `go` compiles pinned sources."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_SECONDS = 3600.0


class GoError(Exception):
    """Go is missing or did not do it; the message says why."""


def go_command() -> str:
    """The go command. Raises GoError."""
    found = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if found is None:
        raise GoError("Go is missing: it compiles what no package has ready-made")
    return found


def go(arguments: Sequence[str], folder: Path, more: Mapping[str, str] | None = None) -> str:
    """Run go in a folder, with ``more`` environment; what it printed. Raises GoError with the end of its complaint."""
    environ = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", **(more or {})}
    try:
        done = subprocess.run(
            ["nice", go_command(), *arguments],
            cwd=folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GoError(f"go {arguments[-1]}: not done within {_SECONDS:g} s") from None
    if done.returncode:
        raise GoError(f"go {arguments[-1]}: {' '.join(done.stderr.split())[-500:]}")
    return done.stdout


def compiled(package: str, target: Path, folder: Path, *, jobs: int) -> Path:
    """``package`` of the module in ``folder`` as the program ``target``, ``jobs`` at a time. Raises GoError."""
    go(["build", "-p", str(jobs), "-ldflags", "-s -w", "-o", str(target), package], folder)
    return target

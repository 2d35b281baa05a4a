"""How full the file system of a folder is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """Bytes of a file system: ``used`` by anybody, ``free`` for this user (what is reserved for root is neither)."""

    used: int
    free: int

    @property
    def size(self) -> int:
        """What there is to fill, as ``df`` reckons."""
        return self.used + self.free

    @property
    def share(self) -> float:
        """The used share, 0 to 1."""
        return self.used / self.size if self.size else 1.0


Measure = Callable[[], Usage]


def usage_of(folder: Path) -> Usage:
    """The usage of the file system that holds ``folder``, quotas of the file system included; raises OSError."""
    found = shutil.disk_usage(folder)
    return Usage(found.used, found.free)

"""The faults that can be put into the shop, their windows, and the ground truth about them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from airis_ray.demo.season import NS
from airis_ray.demo.wire import Ints
from airis_ray.demo.world.faults import FAULTS, Described
from airis_ray.errors import InvalidInput

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
BURST: Final = 120 * NS
"""A burst of the name server's failure lasts two minutes."""
BURST_EVERY: Final = 600 * NS


@dataclass(frozen=True)
class Fault:
    """A fault with its window ``[start, end)`` in nanoseconds; ``end`` is None when it goes on until the end."""

    name: str
    start: int
    end: int | None

    @property
    def described(self) -> Described:
        """What the world's table says about the fault."""
        return FAULTS[self.name]

    @property
    def until(self) -> int:
        """The end, or the end of time."""
        return np.iinfo(np.int64).max if self.end is None else self.end

    def active(self, times: Ints) -> npt.NDArray[np.bool_]:
        """Whether the fault is on at each time."""
        return (times >= self.start) & (times < self.until)

    def overlaps(self, start: int, end: int) -> bool:
        """Whether the fault is on somewhere in ``[start, end)``."""
        return self.start < end and self.until > start

    def bursting(self, times: Ints) -> npt.NDArray[np.bool_]:
        """Whether a two-minute burst is on; bursts start with the fault and come every ten minutes."""
        return self.active(times) & ((times - self.start) % BURST_EVERY < BURST)

    def truth(self, seed: int, end: int | None) -> dict[str, Any]:
        """The line of ``faults.jsonl``; ``end`` is when the fault is over, None while nobody knows."""
        line: dict[str, Any] = {
            "id": f"{self.name}-{seed}-{self.start // NS}",
            "name": self.name,
            "service": self.described.service,
            "kind": self.described.kind,
            "start": rfc3339(self.start),
            "end": None if end is None else rfc3339(end),
            "attributes": self.described.attributes,
            "metrics": list(self.described.metrics),
            "signals": list(self.described.signals),
            "description": self.described.description,
        }
        if self.described.bursts and end is not None:
            starts = range(self.start, end, BURST_EVERY)
            line["bursts"] = [[rfc3339(at), rfc3339(min(at + BURST, end))] for at in starts]
        return line


def parse_fault(spec: str, start: int) -> Fault:
    """``NAME[@offset][:duration]`` as a fault; the offset counts from ``start``, the default is throughout.

    Raises InvalidInput that names the nearest fault, or what was expected of the times.
    """
    match = re.fullmatch(r"(?P<name>[^@:]+)(?:@(?P<offset>[^@:]+))?(?::(?P<duration>[^@:]+))?", spec.strip())
    if match is None:
        raise InvalidInput(f"--fault {spec}: expected NAME[@offset][:duration], such as slow-db@10m:30m")
    name = match["name"].strip()
    if name not in FAULTS:
        nearest = difflib.get_close_matches(name, FAULTS, n=1, cutoff=0.5)
        hint = f"did you mean {nearest[0]}?" if nearest else "known are"
        raise InvalidInput(f"--fault {spec}: there is no fault {name}; {hint} ({', '.join(FAULTS)})")
    begin = start + seconds(match["offset"] or "0s", f"--fault {spec}: offset") * NS
    duration = match["duration"]
    end = None if duration is None else begin + seconds(duration, f"--fault {spec}: duration") * NS
    return Fault(name, begin, end)


def seconds(value: str, what: str) -> int:
    """Whole seconds of ``90s``, ``10m``, ``2h``, ``16d``, ``1h30m``; raises InvalidInput that names ``what``."""
    parts = re.findall(r"(\d+)([smhdw])", value)
    if not parts or "".join(number + unit for number, unit in parts) != value.strip():
        raise InvalidInput(f"{what} is {value!r}; expected a duration such as 90s, 10m, 2h or 16d")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def by_name(faults: Iterable[Fault], name: str) -> tuple[Fault, ...]:
    """The faults called ``name``; the same one may be given with several windows."""
    return tuple(fault for fault in faults if fault.name == name)


def active(faults: Iterable[Fault], times: Ints) -> npt.NDArray[np.bool_]:
    """Whether any of ``faults`` is on at each time."""
    out = np.zeros(len(times), bool)
    for fault in faults:
        out |= fault.active(times)
    return out


def rfc3339(time: int) -> str:
    """Nanoseconds since the epoch as a time in UTC."""
    whole = datetime.fromtimestamp(time // NS, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{time % NS:09d}Z"

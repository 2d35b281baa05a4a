"""A run: blocks made, sent, paced, and the ground truth written beside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from airis_ray.demo.engine import World
from airis_ray.demo.faults import Fault
from airis_ray.demo.plan import Plan
from airis_ray.demo.send import Sink
from airis_ray.errors import InvalidInput

_HURRY: Final = 5.0
"""Seconds that an interrupted run still tries to deliver what it has made."""


class Truth:
    """The ground truth, appended to a file.

    A fault's line is written when it begins, with its end where that is known; where the run is stopped earlier, or
    the end was not known, another line with the same ``id`` tells the end: the last line of an ``id`` counts.
    """

    def __init__(self, plan: Plan, path: Path | None) -> None:
        self._plan, self._path = plan, path
        self._begun: list[Fault] = []
        if path is not None:
            self._append([])

    def reached(self, time: int) -> None:
        """Write the faults that have begun before ``time``."""
        new = [fault for fault in self._plan.faults if fault.start < time and fault not in self._begun]
        self._begun += new
        self._append([self._line(fault, None) for fault in new if self._end(fault) is not None])

    def stopped(self, time: int) -> None:
        """Write the faults whose end is another than was written."""
        cut = [fault for fault in self._begun if self._end(fault) is None or fault.until > time]
        if self._plan.duration is None or time < self._plan.end:
            self._append([self._line(fault, time) for fault in cut])

    def lines(self, time: int) -> list[dict[str, Any]]:
        """The faults of a run that ended at ``time``."""
        return [self._line(fault, time) for fault in self._begun]

    def _end(self, fault: Fault) -> int | None:
        if self._plan.duration is None:
            return fault.end
        return min(fault.until, self._plan.end)

    def _line(self, fault: Fault, stopped: int | None) -> dict[str, Any]:
        ends = [end for end in (self._end(fault), stopped) if end is not None]
        return fault.truth(self._plan.seed, min(ends) if ends else None)

    def _append(self, lines: list[dict[str, Any]]) -> None:
        if self._path is None:
            return
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        except OSError as error:
            raise InvalidInput(f"--faults-file {self._path}: {error.strerror}") from None


class Run:
    """Sends a plan's telemetry to a sink.

    ``wait_until`` is called with a time in nanoseconds before what happened until then is made; a history run passes
    one that returns at once. ``progress`` is told the end of each block.
    """

    def __init__(
        self,
        plan: Plan,
        sink: Sink,
        *,
        truth: Path | None = None,
        wait_until: Callable[[int], None] = lambda time: None,
        progress: Callable[[int], None] = lambda time: None,
    ) -> None:
        self.plan, self.sink = plan, sink
        self.reached = plan.start
        self.truth = Truth(plan, truth)
        self._wait_until, self._progress = wait_until, progress

    def __call__(self) -> None:
        """Run to the end; whatever ends it, the ground truth is completed and the sink closed."""
        patience: float | None = _HURRY
        try:
            world = World(self.plan)
            for start, end in world.blocks():
                self.truth.reached(start + 1)
                self._wait_until(end)
                for payload in world.block(start, end):
                    self.sink.put(payload)
                self.truth.reached(end)
                self.reached = end
                self._progress(end)
            patience = None
        finally:
            self.truth.stopped(self.reached)
            self.sink.close(patience)

"""A run: blocks made, sent, paced, and the ground truth written beside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from airis_ray.demo.engine import World
from airis_ray.demo.faults import Fault
from airis_ray.demo.plan import Plan
from airis_ray.demo.send import Sink
from airis_ray.errors import InvalidInput


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
        self._truth, self._wait_until, self._progress = truth, wait_until, progress

    def __call__(self) -> None:
        """Run to the end; the ground truth is written and the sink closed whatever ends it."""
        if self._truth is not None:
            _writable(self._truth)
        try:
            world = World(self.plan)
            for start, end in world.blocks():
                self._wait_until(end)
                for payload in world.block(start, end):
                    self.sink.put(payload)
                self.reached = end
                self._progress(end)
        finally:
            self._write_truth()
            self.sink.close()

    def begun(self) -> list[Fault]:
        """The faults that have begun by now."""
        return [fault for fault in self.plan.faults if fault.start < self.reached]

    def _write_truth(self) -> None:
        if self._truth is None or not self.begun():
            return
        with self._truth.open("a", encoding="utf-8") as file:
            for fault in self.begun():
                line = fault.truth(self.plan.seed, self.reached)
                file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _writable(path: Path) -> None:
    try:
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise InvalidInput(f"--faults-file {path}: {error.strerror}") from None

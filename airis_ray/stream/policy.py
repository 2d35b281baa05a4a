"""How many consumers there shall be, from what they say of themselves.

Serve pickles this module where the application is built and runs it in its controller, again and again: it imports
nothing of ours, asks nobody and never waits. Whether there is a Kafka at all is looked up where it is pickled, in
the environment that the consumers have too.

`serve run` imports it while it reads its file, before Ray is started: the one moment for what has to come first.
"""

from __future__ import annotations

import math
import os
import sys
from typing import Any


class LagPolicy:
    """Enough consumers for what comes in, and so many more that what is behind is caught up in ``catch_up_seconds``.

    The work of one second is what the consumers were busy with; a consumer shall be busy for ``busy`` of its time.
    What one second of work is worth follows from what they did. Never more consumers than partitions, for a
    partition has one reader. While they get nothing done although there is something (the store is away), more of
    them would not help: then it stays as it is. Without Kafka there are none.
    """

    stream = bool(os.environ.get("AIRIS_KAFKA_BOOTSTRAP"))

    def __init__(self, catch_up_seconds: float = 60.0, busy: float = 0.7) -> None:
        self._catch_up = catch_up_seconds
        self._busy = busy

    def __call__(self, ctx: Any) -> tuple[float, dict[str, Any]]:
        """The number wanted, before Serve's delays and bounds, and no state."""
        if not self.stream:
            return 0, {}
        told = ctx.aggregated_metrics or {}
        lag, done, busy, partitions = (
            sum(told.get(name, {}).values()) for name in ("lag", "done", "busy", "partitions")
        )
        now = max(1, ctx.target_num_replicas)
        if partitions < 1 or (lag > 0 and done <= 0):
            return now, {}
        wanted = busy / self._busy
        if lag > 0:
            wanted += lag / (done / max(busy, 0.01)) / self._catch_up
        return max(1, min(math.ceil(wanted), math.ceil(partitions))), {}


if os.path.basename(sys.argv[0]) == "serve" and "run" in sys.argv[1:2]:
    from airis_ray.launch.serve_run import prepare_serve_run

    prepare_serve_run(sys.argv[2:])

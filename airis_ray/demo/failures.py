"""Every failure of the world under a number, so that a column of failures is a column of small integers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from airis_ray.demo.model import Call, Failure, Publish, Step, Together, Work
from airis_ray.demo.world.faults import FAULTS
from airis_ray.demo.world.operations import OPERATIONS


def works(steps: tuple[Step, ...]) -> Iterator[Work]:
    """The pieces of work among ``steps``."""
    for step in steps:
        match step:
            case Work():
                yield step
            case Together():
                yield from works(step.steps)
            case Call() | Publish():
                pass


def _all() -> list[Failure]:
    found: dict[Failure, None] = {}
    for operation in OPERATIONS.values():
        found.update(dict.fromkeys(operation.failures))
        for work in works(operation.steps):
            found.update(dict.fromkeys(work.failures))
    found.update((fault.failure, None) for fault in FAULTS.values() if fault.failure is not None)
    return list(found)


NONE: Final = Failure("", "", http=200)
TABLE: Final = (NONE, *_all())
"""Number 0 is success."""
NUMBER: Final = {failure: number for number, failure in enumerate(TABLE)}

WAIT: Final = np.array([failure.ms * 1e6 for failure in TABLE])
EARLY: Final = np.array([failure.early and number > 0 for number, failure in enumerate(TABLE)])
SOFT: Final = np.array([failure.soft for failure in TABLE])
HTTP: Final = np.array([failure.http for failure in TABLE])
"""The status that the frontend answers with."""

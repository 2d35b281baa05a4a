"""How a model comes in: it is opened, passes every check that our own detectors pass, and is kept."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from airis_ray.aiops.checks import CHECKS, Check
from airis_ray.aiops.custom.card import Card, Output
from airis_ray.aiops.custom.detector import Model, detector_of
from airis_ray.aiops.custom.process import ModelProcess
from airis_ray.aiops.custom.registry import Registry, Serving
from airis_ray.errors import AirisError, FieldError, TooLarge, Unprocessable
from airis_ray.settings import ModelSettings
from airis_ray.telemetry.times import format_time


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to register."""

    tenant: str
    name: str
    version: str | None
    width: int
    output: Output
    artefact: bytes
    by: str
    """id of the key"""

    def card(self, version: str, now_ns: int) -> Card:
        """What is kept of it."""
        return Card(
            name=self.name,
            version=version,
            width=self.width,
            output=self.output,
            sha256=hashlib.sha256(self.artefact).hexdigest(),
            bytes=len(self.artefact),
            created=format_time(now_ns),
            created_by=self.by,
        )


def examine(wanted: Wanted, registry: Registry, settings: ModelSettings, now_ns: int) -> Card:
    """The card of a model that may serve; nothing is kept yet. Blocks, for up to the time that checks may take.

    Raises TooLarge for an artefact over its limit or a tenant with too many, Unprocessable where the version is taken,
    the artefact is none, or a check fails: each one that did is named.
    """
    if len(wanted.artefact) > settings.max_bytes:
        raise TooLarge(
            f"the model has {len(wanted.artefact)} bytes; at most {settings.max_bytes} (AIRIS_MODELS_MAX_BYTES)"
        )
    card = wanted.card(registry.check_room(wanted.tenant, wanted.name, wanted.version), now_ns)
    model = ModelProcess(card, wanted.artefact, settings)
    try:
        model.score(np.zeros((2, card.width), np.float32))  # of what cannot even be opened no check says more
        failed = failures(model, settings.check_timeout)
    finally:
        model.close()
    if failed:
        told = "; ".join(f"{error.pointer.rpartition('/')[2]}: {error.detail}" for error in failed[:3])
        raise Unprocessable(
            f"{card.id} does not serve, it failed {len(failed)} checks: {told}", errors=failed
        )
    return card


def keep(wanted: Wanted, card: Card, registry: Registry) -> Serving:
    """Keep a model that was examined; it serves from now on."""
    return registry.put(wanted.tenant, card, wanted.artefact)


def failures(
    model: Model,
    seconds: float,
    checks: Iterable[Check] = CHECKS,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[FieldError, ...]:
    """The checks that a model does not pass, in so many seconds; those it had no time for count as failed."""
    detector, end = detector_of(model), clock() + seconds
    found: list[FieldError] = []
    for check in checks:
        pointer = f"/checks/{check.__name__}"
        if clock() > end:
            found.append(FieldError(pointer, f"no time was left: all checks together may take {seconds:g} s"))
            continue
        try:
            check(detector)
        except AirisError as error:
            found.append(FieldError(pointer, str(error)))
    return tuple(found)

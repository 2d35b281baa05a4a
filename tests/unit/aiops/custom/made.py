"""Models as the registry knows them."""

from __future__ import annotations

import hashlib

from airis_ray.aiops.custom.card import Card, Output
from airis_ray.settings import ModelSettings
from tests.support.graphs import WIDTH

SETTINGS = ModelSettings(timeout=30.0)


def card(
    artefact: bytes, *, name: str = "waves", version: str = "1", output: Output = "reconstruction"
) -> Card:
    return Card(
        name=name,
        version=version,
        width=WIDTH,
        output=output,
        sha256=hashlib.sha256(artefact).hexdigest(),
        bytes=len(artefact),
        created=f"2026-11-23T00:00:0{len(version)}{version[-1]}Z",
        created_by="key",
    )

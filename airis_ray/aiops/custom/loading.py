"""Models that are held ready: the few that were asked for last."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from airis_ray.aiops.custom.card import Card
from airis_ray.aiops.custom.process import ModelProcess
from airis_ray.aiops.custom.registry import Registry
from airis_ray.errors import NotFound
from airis_ray.settings import ModelSettings

HELD: Final = 4
"""Models that one replica holds ready, each in a process of its own of about 100 MB."""

Load = Callable[[str], Awaitable[ModelProcess]]
"""A model by its key (:func:`key_of`), held ready."""


def key_of(tenant: str, card: Card) -> str:
    """What tells a model from all others of all tenants; another artefact under the same version is another one."""
    return f"{tenant}/{card.id}/{card.sha256}"


def open_model(key: str, registry: Registry, settings: ModelSettings) -> ModelProcess:
    """Read a model. Blocks. Raises NotFound where it is not there any more."""
    tenant, asked, sha256 = key.split("/")
    card = registry.find(tenant, asked)
    if card.sha256 != sha256:
        raise NotFound(f"there is no model {asked}")
    return ModelProcess(card, registry.artefact(tenant, card), settings)


class Loaded:
    """Up to :data:`HELD` models; who comes next takes the place of the one not asked for longest.

    A model in use that has to go ends its answer first. For use on one event loop.
    """

    def __init__(self, registry: Registry, settings: ModelSettings) -> None:
        self._registry, self._settings = registry, settings
        self._held: OrderedDict[str, ModelProcess] = OrderedDict()
        self._turn = asyncio.Lock()

    async def load(self, key: str) -> ModelProcess:
        """See :data:`Load`."""
        async with self._turn:
            if key not in self._held:
                self._held[key] = await asyncio.to_thread(open_model, key, self._registry, self._settings)
            self._held.move_to_end(key)
            model = self._held[key]
            if len(self._held) > HELD:
                _, oldest = self._held.popitem(last=False)
                await asyncio.to_thread(oldest.close)
            return model

    async def close(self) -> None:
        """End the processes of all of them."""
        async with self._turn:
            for model in self._held.values():
                await asyncio.to_thread(model.close)
            self._held.clear()

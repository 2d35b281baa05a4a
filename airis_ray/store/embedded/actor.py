"""The embedded store as one named detached Ray actor: whoever needs it first starts it, Ray restarts it."""

from __future__ import annotations

import logging
import os

import ray

from airis_ray.errors import AirisError, Unavailable
from airis_ray.garbage import spare_what_is_loaded
from airis_ray.settings import Settings

NAME = "airis-store"
NAMESPACE = "airis"

_START_SECONDS = 60.0  # a folder that was killed in mid-insert opens within seconds; a large one takes longer


class StoreActor:
    """Owns the data folder and the port for as long as it lives."""

    def __init__(self, settings: Settings) -> None:
        # Imported here: the engine weighs 200 MB, and whoever calls ensure_store imports this module.
        from airis_ray.store.embedded.process import EmbeddedStore

        self._problem: AirisError | None = None
        try:
            self._url = EmbeddedStore(settings, died=_end_process).start()
            spare_what_is_loaded()
        except AirisError as problem:
            # An exception in a constructor would be lost in a restart loop: it is kept for whoever asks.
            self._problem = problem

    def url(self) -> str:
        """Where it answers. Raises what kept it from starting."""
        if self._problem is not None:
            raise self._problem
        return self._url


def _end_process() -> None:
    """Without its store the actor would live on and answer its URL; Ray starts a new one in a new process."""
    logging.shutdown()
    os._exit(1)


def ensure_store(settings: Settings) -> str:
    """Start the store unless it runs, and return its URL once it answers.

    Raises InvalidInput or Unavailable with the line that says why it cannot start.
    """
    options = {
        "name": NAME,
        "namespace": NAMESPACE,
        "lifetime": "detached",
        "get_if_exists": True,
        "max_restarts": -1,
        "max_task_retries": 3,
        "num_cpus": 0,
    }
    actor = ray.remote(StoreActor).options(**options).remote(settings)
    try:
        return str(ray.get(actor.url.remote(), timeout=_START_SECONDS))
    except ray.exceptions.GetTimeoutError:
        raise Unavailable(f"the embedded store did not start within {_START_SECONDS:.0f} s") from None
    except ray.exceptions.RayTaskError as problem:
        ray.kill(actor)  # the next attempt starts anew
        raise problem.cause from None  # the line alone, without the actor's traceback

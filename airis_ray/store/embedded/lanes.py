"""Which statements wait for which: nobody's queries and nobody's stalled data keep the platform from its own."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from itertools import pairwise

from airis_ray.settings import StoreSettings
from airis_ray.store.embedded.access import Level
from airis_ray.store.embedded.call import Call
from airis_ray.store.embedded.running import Lane
from airis_ray.store.embedded.statement import Statement, Verb

_COMMANDS = 2
_SHORT = 2
_OWN = ("airis_keys", "airis_tenants", "airis_migrations")


class Lanes:
    """The lanes of one store.

    Reads share ``readers`` places, of which one key holds all but one. The platform's look-ups in its own small tables
    (each request's key, readiness) have places that nothing else takes. INSERTs with data hold their place for as long
    as their sender takes, so the platform's have places of their own.
    """

    def __init__(self, limits: StoreSettings) -> None:
        self._reads = Lane(limits.readers, each=_all_but_one(limits.readers))
        self._short = Lane(_SHORT)
        self._writes = Lane(limits.writers)
        self._key_writes = Lane(limits.writers, each=_all_but_one(limits.writers))
        self._commands = Lane(_COMMANDS, each=_all_but_one(_COMMANDS))
        self.places = limits.readers + 2 * limits.writers + _SHORT + _COMMANDS

    def place(self, call: Call) -> AbstractAsyncContextManager[None]:
        """A place for a call, to be held while it runs, as :meth:`Lane.place`."""
        is_platform = call.rights.level is Level.PLATFORM
        owner = None if is_platform else call.rights.owner
        verb = call.statement.verb
        if verb in (Verb.SELECT, Verb.ASK):
            # What runs for a tenant comes with its filter, and may be anything.
            is_own = is_platform and "additional_table_filters" not in call.request.settings
            lane = self._short if is_own and is_look_up(call.statement) else self._reads
        elif verb is Verb.INSERT:
            lane = self._writes if is_platform else self._key_writes
        else:
            lane = self._commands
        return lane.place(owner)


def is_look_up(statement: Statement) -> bool:
    """Whether a SELECT reads nothing but the platform's own small tables, or no table at all."""
    sources = [after for word, after in pairwise(statement.tokens) if word.is_word("FROM", "JOIN")]
    if statement.verb is not Verb.SELECT:
        return False
    return all(token.is_sign("(") or token.text.startswith(_OWN) for token in sources)


def _all_but_one(places: int) -> int:
    return max(places - 1, 1)

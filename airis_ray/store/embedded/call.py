"""One statement of one caller: under which rights and settings it runs, and what its thread has to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from airis_ray.settings import StoreSettings
from airis_ray.store.embedded import access, work
from airis_ray.store.embedded.access import Level, Rights
from airis_ray.store.embedded.answer import Answer
from airis_ray.store.embedded.channel import Channel
from airis_ray.store.embedded.commands import check_database
from airis_ray.store.embedded.engine import Setup
from airis_ray.store.embedded.formats import content_type
from airis_ray.store.embedded.request import Request
from airis_ray.store.embedded.running import Running
from airis_ray.store.embedded.sessions import Session
from airis_ray.store.embedded.source import Source
from airis_ray.store.embedded.statement import Statement, Verb, lift_settings, parse
from airis_ray.store.embedded.values import MOST_BYTES, may_be_evaluated
from airis_ray.store.embedded.wire import Codec, accepted, encoder

_DEFAULT_LEVEL = 3  # of compression, as ClickHouse's http_zlib_compression_level


class Call:
    """A statement about to run."""

    def __init__(
        self,
        request: Request,
        answer: Answer,
        rights: Rights,
        source: Source,
        session: Session,
        running: Running,
        limits: StoreSettings,
    ) -> None:
        self.request, self.answer, self.rights = request, answer, rights
        self.source, self.session, self.running = source, session, running
        self.statement: Statement = source.statement
        self._limits = limits
        self._expressions = False

    @property
    def is_insert(self) -> bool:
        """Whether data follow; then nothing stops the statement once they are here."""
        return self.statement.verb is Verb.INSERT

    @property
    def needs_pin(self) -> bool:
        """Whether it leaves something in its connection that the session comes back for."""
        named = "session_id" in self.request.values
        return named and self.statement.makes_temporary and self.rights.level >= Level.ADMIN

    @property
    def database(self) -> str:
        """Where names without a database are looked for."""
        return self.request.database or self.session.database or self._limits.database

    def authorize(self, own_tables: frozenset[str]) -> None:
        """Raise ClickHouseError unless the caller may run it so."""
        access.authorize(self.rights, self.statement, own_tables, self._limits)
        access.check_settings(self.rights, self.request.settings)
        check_database(self.rights, self.database)
        if self.rights.level < Level.ADMIN and self.statement.verb is Verb.SELECT:
            self.statement, lifted = lift_settings(self.statement)
            # What is left is another text than the one that was looked at, and what was lifted is settings now.
            access.authorize(self.rights, self.statement, own_tables, self._limits)
            access.check_settings(self.rights, lifted)
            self.request.settings.update(lifted)

    def judge_values(self) -> None:
        """Let ``VALUES (now(), …)`` be evaluated, where all of it is here and harmless; reads up to 64 KiB."""
        is_values = self.is_insert and self.statement.format == "Values"
        if is_values and self.rights.level < Level.PLATFORM:
            data = self.source.held(MOST_BYTES)
            self._expressions = data is not None and may_be_evaluated(data)

    def instead(self, sql: str | None) -> None:
        """Run another SELECT in the statement's place, in its format."""
        if sql is not None:
            wanted = f" FORMAT {self.statement.format}" if self.statement.format else ""
            self.statement = parse((sql + wanted).encode(), complete=True)

    def setup(self) -> Setup:
        """What its connection is told."""
        asked = {**self.session.settings, **self.request.settings}
        settings = access.settings_for(self.rights, self.statement, asked, self._limits)
        settings["log_comment"] = self.running.tag
        # chDB's own defaults take `1 + 1` for a SELECT and open its insides; ClickHouse's do not.
        settings.setdefault("implicit_select", "0")
        settings.setdefault("allow_introspection_functions", "0")
        parameters = {**self.session.parameters, **self.request.parameters}
        readonly = self.rights.level is Level.READER
        forced = access.forced_for(self.rights, expressions=self._expressions)
        return Setup(settings, parameters, self.database, readonly=readonly, forced=forced)

    def standing(self) -> Setup:
        """What its session's connection is told for good."""
        database = self.session.database or self._limits.database
        return Setup(self.session.settings, self.session.parameters, database)

    def job(
        self, connect: work.Connect, channel: Channel[work.Item], loop: asyncio.AbstractEventLoop
    ) -> Callable[[], None]:
        """What the thread has to do; sets the answer's headers."""
        if self.is_insert:
            return partial(work.write, connect, self.statement, partial(self.source.blocks, loop), channel)
        name = self.statement.format or self.request.default_format or "TabSeparated"
        self.answer.header("x-clickhouse-format", name)
        self.answer.header("content-type", content_type(name))
        codec = self.answer.codec = self._encoder()
        whole = self.request.flag("wait_end_of_query") or self.statement.verb is not Verb.SELECT
        revision = int(self.request.number("client_protocol_version", 0))
        how = partial(work.read, revision=revision, whole=whole, codec=codec, channel=channel)
        return partial(how, connect, self.statement, name)

    def _encoder(self) -> Codec:
        wants = (
            self.request.flag("enable_http_compression")
            or self.session.settings.get("enable_http_compression") == "1"
        )
        encoding = accepted(self.request.headers.get("accept-encoding", "")) if wants else None
        if encoding is not None:
            self.answer.header("content-encoding", encoding)
        level = int(self.request.number("http_zlib_compression_level", _DEFAULT_LEVEL))
        return encoder(encoding, native=self.request.flag("compress"), level=min(max(level, 1), 9))

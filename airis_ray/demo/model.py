"""The words in which the shop is described: services, what they do, and how they fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from airis_ray.demo.wire import Attribute

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
"""OTLP's numbers of the span kinds."""


@dataclass(frozen=True)
class Service:
    """One of the shop's services.

    ``memory`` is the container's limit in MiB, ``cpu`` the utilization at mean traffic. ``version`` is where the
    service stands at the epoch of the demo; ``release_days`` is the time between two deployments (0: never).
    """

    name: str
    language: str
    version: str
    memory: int
    cpu: float
    release_days: float = 0.0
    pods: tuple[int, int, int] = (3, 2, 1)


@dataclass(frozen=True)
class Failure:
    """One way in which an operation fails.

    ``share`` of the operations fail so. A ``soft`` failure is the client's fault: the span's status stays unset.
    ``early`` ones fail before the work is done. ``ms`` is what is waited for before giving up.
    """

    type: str
    message: str
    share: float = 0.0
    http: int = 500
    soft: bool = False
    early: bool = True
    ms: float = 0.0
    exception: str = ""
    stack: str = ""


@dataclass(frozen=True)
class Work:
    """A span inside a service: internal work, a database query, a call to somebody outside the shop."""

    key: str
    name: str
    kind: int
    ms: float
    attributes: dict[str, Attribute] = field(default_factory=dict)
    sigma: float = 0.45
    tail: float = 0.004
    chance: float = 1.0
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Call:
    """A call of another service's operation; ``critical`` ones take their caller down with them."""

    operation: str
    chance: float = 1.0
    critical: bool = True


@dataclass(frozen=True)
class Publish:
    """A message on a topic, read by ``consumers`` (operations of kind consumer)."""

    topic: str
    consumers: tuple[str, ...]


@dataclass(frozen=True)
class Together:
    """Steps that start at the same moment."""

    steps: tuple[Work | Call, ...]


Step: TypeAlias = Work | Call | Publish | Together


@dataclass(frozen=True)
class Operation:
    """What a service does when it is called; its key is ``service/name``."""

    service: str
    name: str
    span: str
    ms: float
    attributes: dict[str, Attribute] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    failures: tuple[Failure, ...] = ()
    sigma: float = 0.4
    tail: float = 0.003
    kind: int = SERVER

    @property
    def key(self) -> str:
        """``service/name``, the operation's name all over the demo."""
        return f"{self.service}/{self.name}"


@dataclass(frozen=True)
class Route:
    """A request of a browser: ``weight`` is its share of the traffic."""

    operation: str
    weight: float

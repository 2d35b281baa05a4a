"""Every error that AIRIS-Ray raises on purpose.

::

    AirisError
    ├── InvalidInput      the caller's fault: says which field, what came, what was expected
    │   ├── TooLarge      a body, a batch or an answer over its limit
    │   ├── Unprocessable     readable, and still nothing to work on: times out of order, a horizon of 0
    │   ├── NotFound      a path, a record or a name that is not there
    │   ├── Unsupported   a media type or an encoding that is not spoken here
    │   └── TooSlow       a body that pauses or drips
    ├── Refused           the caller is known to be in order, and still may not, or not now
    │   ├── Unauthenticated   no credentials, or wrong ones
    │   ├── Forbidden         credentials without the scope
    │   └── Overloaded        limits and full queues; carries ``retry_after``
    ├── Unavailable       a part is down; retried; carries ``retry_after``
    │   └── StorageFull       the store's disk has no room: repeating it soon is of no use
    └── Bug               a broken promise of ours

What each becomes in HTTP and in gRPC is decided in one place, :mod:`airis_ray.web.problems`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class FieldError:
    """One bad field: a JSON pointer (RFC 6901) to it and a sentence about it."""

    pointer: str
    detail: str


class AirisError(Exception):
    """The root of the tree; ``str(error)`` is a sentence meant for the caller."""


class InvalidInput(AirisError):
    """The caller's fault.

    ``errors`` names each bad field; empty where the input as a whole is bad.
    """

    def __init__(self, message: str, *, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(message)
        self.errors = errors

    @classmethod
    def field(cls, pointer: str, detail: str) -> Self:
        """The error of a single field."""
        return cls(f"{pointer}: {detail}", errors=(FieldError(pointer, detail),))


class TooLarge(InvalidInput):
    """A body, a batch or an answer over its limit."""


class Unprocessable(InvalidInput):
    """What can be read and still not be worked on: times out of order, a horizon of 0."""


class NotFound(InvalidInput):
    """A path, a record or a name that is not there."""


class Unsupported(InvalidInput):
    """A media type or an encoding that is not spoken here."""


class TooSlow(InvalidInput):
    """A body that pauses or drips: its sender would hold what others wait for."""


class Refused(AirisError):
    """The caller may not do this, or not now."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unauthenticated(Refused):
    """No credentials, or wrong ones."""


class Forbidden(Refused):
    """Credentials that do not carry the scope asked for."""


class Overloaded(Refused):
    """Past a limit, or a queue is full: come back after ``retry_after`` seconds."""


class Unavailable(AirisError):
    """A part that is needed is down; the same call may succeed after ``retry_after`` seconds."""

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StorageFull(Unavailable):
    """The store answers and takes nothing in, because its disk has no room."""

    def __init__(self, message: str, *, retry_after: float = 60.0) -> None:
        super().__init__(message, retry_after=retry_after)


class Bug(AirisError):
    """A broken promise of ours; never the caller's fault."""

"""What ClickHouse's error numbers mean to us."""

from __future__ import annotations

import re
from typing import Final

from airis_ray.errors import AirisError, InvalidInput, StorageFull, TooLarge, Unavailable

_LIMITS: Final = frozenset(
    {
        158,  # TOO_MANY_ROWS
        159,  # TIMEOUT_EXCEEDED
        160,  # TOO_SLOW
        191,  # SET_SIZE_LIMIT_EXCEEDED
        241,  # MEMORY_LIMIT_EXCEEDED
        307,  # TOO_MANY_BYTES
        396,  # TOO_MANY_ROWS_OR_BYTES
        593,  # QUERY_IS_TOO_LARGE
    }
)

_OUTAGES: Final = frozenset(
    {
        3,  # UNEXPECTED_END_OF_FILE
        32,  # ATTEMPT_TO_READ_AFTER_EOF
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        236,  # ABORTED (the server is shutting down)
        279,  # ALL_CONNECTION_TRIES_FAILED
        425,  # SYSTEM_ERROR
        439,  # CANNOT_SCHEDULE_TASK
        999,  # KEEPER_EXCEPTION
    }
)

_STATEMENTS: Final = frozenset(
    {
        242,  # TABLE_IS_READ_ONLY (a replica lost its keeper)
        252,  # TOO_MANY_PARTS
        319,  # UNKNOWN_STATUS_OF_INSERT
        373,  # SESSION_IS_LOCKED
        394,  # QUERY_WAS_CANCELLED
    }
)

_NOT_ENOUGH_SPACE: Final = 243

_CREDENTIALS: Final = frozenset({192, 193, 194, 492, 516})

_CODE: Final = re.compile(r"Code: (\d+)")
_NOISE: Final = re.compile(r"^(?:Code: \d+\. )?(?:DB::Exception: )?|\s*\(version [^)]*\)?\)?\s*$")


class StatementUnavailable(Unavailable):
    """One statement or one table is not served now, while the server is up and answers others."""


def error_code(text: str) -> int | None:
    """The number in an exception's text (``Code: 62. DB::Exception: …``)."""
    match = _CODE.search(text)
    return int(match[1]) if match else None


def error_from(code: int | None, text: str) -> AirisError:
    """The error that stands for one of ClickHouse's; its sentence ends with ClickHouse's number and name."""
    sentence = _NOISE.sub("", text.strip().splitlines()[0] if text.strip() else "no message")[:2000]
    if code is not None:
        sentence = f"{sentence} [ClickHouse code {code}]"
    if code in _LIMITS:
        return TooLarge(sentence)
    if code in _OUTAGES:
        return Unavailable(sentence)
    if code == _NOT_ENOUGH_SPACE:
        return StorageFull(sentence)
    if code in _STATEMENTS:
        return StatementUnavailable(sentence)
    if code in _CREDENTIALS:
        return Unavailable(f"the store refuses the platform's credentials: {sentence}")
    if code is None:
        return Unavailable(f"the store answered what ClickHouse does not answer: {sentence}")
    return InvalidInput(sentence)

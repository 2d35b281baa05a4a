"""ClickHouse's errors: their numbers, and the HTTP status that goes with each."""

from __future__ import annotations

import re

from airis_ray.errors import AirisError

ACCESS_DENIED = 497
AUTHENTICATION_FAILED = 516
BAD_REQUEST_PARAMETER = 408
CANNOT_DECOMPRESS = 271
INCORRECT_DATA = 117
NOT_ENOUGH_SPACE = 243
NOT_IMPLEMENTED = 48
QUERY_IS_TOO_LARGE = 229
QUERY_WAS_CANCELLED = 394
READONLY = 164
SAME_QUERY_ID = 216
SESSION_IS_LOCKED = 373
SESSION_NOT_FOUND = 372
SOCKET_TIMEOUT = 209
SYNTAX_ERROR = 62
TOO_MANY_QUERIES = 202
UNKNOWN_DATABASE = 81

_STATUS: dict[int, int] = {
    194: 401,  # REQUIRED_PASSWORD
    **dict.fromkeys((192, 193, 497, 512, 516), 403),  # unknown user, wrong password, access denied, failed
    **dict.fromkeys((6, 25, 26, 27, 38, 41, 72, 441, 675, 676, 376), 400),  # CANNOT_PARSE_…
    **dict.fromkeys((8, 15, 36, 37, 44, 53, 62, 117, 123, 167, 168, 223, 321, 427), 400),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511), 404),  # UNKNOWN_…
    408: 400,  # BAD_REQUEST_PARAMETER: 500 in ClickHouse, but the request is to blame
    229: 413,  # QUERY_IS_TOO_LARGE
    48: 501,  # NOT_IMPLEMENTED
    **dict.fromkeys((76, 439), 503),  # cannot open a file, no thread
    209: 408,  # SOCKET_TIMEOUT: 503 in ClickHouse, but the sender is to blame, and would be again
    381: 411,  # HTTP_LENGTH_REQUIRED
    159: 408,  # TIMEOUT_EXCEEDED
    202: 503,  # TOO_MANY_SIMULTANEOUS_QUERIES: 500 in ClickHouse, but clients repeat a 503 by themselves
}

_NAMES = {
    48: "NOT_IMPLEMENTED",
    62: "SYNTAX_ERROR",
    81: "UNKNOWN_DATABASE",
    117: "INCORRECT_DATA",
    164: "READONLY",
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    209: "SOCKET_TIMEOUT",
    216: "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
    229: "QUERY_IS_TOO_LARGE",
    243: "NOT_ENOUGH_SPACE",
    271: "CANNOT_DECOMPRESS",
    372: "SESSION_NOT_FOUND",
    373: "SESSION_IS_LOCKED",
    374: "INVALID_SESSION_TIMEOUT",
    394: "QUERY_WAS_CANCELLED",
    408: "BAD_REQUEST_PARAMETER",
    497: "ACCESS_DENIED",
    516: "AUTHENTICATION_FAILED",
}
_HEAD = re.compile(r"Code: (\d+)\. DB::Exception: ")
_TAIL = re.compile(r"(\. \(\w+\))?\s*\(version [0-9.]+[^)]*\)\)?")


class ClickHouseError(AirisError):
    """An error as ClickHouse numbers it; ``str(error)`` is its text without version."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def status(self) -> int:
        """The HTTP status that ClickHouse answers it with."""
        return _STATUS.get(self.code, 500)

    def body(self, version: str) -> bytes:
        """The text that stands in an answer's body."""
        return f"Code: {self.code}. DB::Exception: {self} (version {version})\n".encode()


def error(code: int, message: str) -> ClickHouseError:
    """One of our own making: the name of the code is put behind the message."""
    return ClickHouseError(code, f"{message}. ({_NAMES[code]})")


def from_engine(text: str) -> ClickHouseError:
    """The error behind an exception of chDB (``Code: 60. DB::Exception: … (UNKNOWN_TABLE)``)."""
    match = _HEAD.search(text)
    if match is None:
        # send_insert refuses some statements without a number.
        return ClickHouseError(
            NOT_IMPLEMENTED if "not support" in text else 1002, f"{text}. (UNKNOWN_EXCEPTION)"
        )
    # Wrapped errors repeat their head and their name.
    return ClickHouseError(int(match[1]), _TAIL.sub("", _HEAD.sub("", text[match.start() :])).strip())

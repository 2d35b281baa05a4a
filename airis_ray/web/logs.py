"""The program's log: JSON, one event a line, on stderr, with tenant, request and trace; never a secret."""

from __future__ import annotations

import logging
import re
import sys
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

from airis_ray.settings import Settings

_SECRETS = (
    (re.compile(r"\b(airis_[0-9a-z]+_)[0-9A-Za-z_\-]{16,}"), r"\1***"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[0-9A-Za-z._~+/=\-]{8,}"), r"\1 ***"),
    (
        re.compile(
            r"(?i)((?:password|secret|token|x-clickhouse-key|authorization)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;}]{4,}"
        ),
        r"\1***",
    ),
)
_SIGNS = ("airis_", "bearer", "basic", "password", "secret", "token", "x-clickhouse-key", "authorization")
"""A text without any of these (in lower case) holds no secret; looking for them first saves 30 µs a line."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


PROBES = ("/healthz", "/readyz")
"""Paths that machines ask all day: their successes are logged at debug level, and they make no spans."""


@dataclass(slots=True)
class Exchange:
    """One request and what became of it; what the log and the platform's own telemetry say of it."""

    service: str
    method: str
    path: str
    request_id: str
    started_ns: int
    peer: str = ""
    traceparent: str = ""
    trace_id: str = ""
    tenant: str = ""
    key_id: str = ""
    route: str = ""
    status: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: float = 0.0


CURRENT: ContextVar[Exchange | None] = ContextVar("airis_exchange", default=None)
"""The request that the running code works for."""


def redact(text: str) -> str:
    """The text without API keys, bearer tokens and passwords."""
    lower = text.lower()
    if any(sign in lower for sign in _SIGNS):
        for pattern, replacement in _SECRETS:
            text = pattern.sub(replacement, text)
    return text


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON, with its ``extra`` fields; what JSON has no form for becomes its repr."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "event": record.getMessage(),
        }
        exchange = CURRENT.get()
        if exchange is not None:
            event |= {
                "tenant": exchange.tenant,
                "request_id": exchange.request_id,
                "trace_id": exchange.trace_id,
            }
        event |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            event["error"] = self.formatException(record.exc_info)
        line = orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
        return redact(line)


def configure_logs(settings: Settings, service: str, *, stream: TextIO | None = None) -> logging.Handler:
    """Send this process's log to ``stream`` (stderr) as JSON; calling it again replaces the handler.

    Returns the handler. Libraries that report every request of their own speak from ``warning`` up.
    """
    # Serve puts an object in the place of sys.stderr that would wrap each line into a line of its own.
    handler = logging.StreamHandler(stream or sys.__stderr__ or sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    handler.set_name("airis")
    root = logging.getLogger()
    for old in [old for old in root.handlers if old.get_name() == "airis"]:
        root.removeHandler(old)
    root.addHandler(handler)
    logging.getLogger("airis").setLevel(settings.log_level.upper())
    logging.getLogger("airis_ray").setLevel(settings.log_level.upper())
    for chatty in ("httpx", "httpcore", "urllib3", "clickhouse_connect", "opentelemetry"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    return handler

"""How settings are written: durations, sizes, ports, retentions by service; and what every group of them is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SIZE_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}

SignalKind = Literal["logs", "traces", "metrics", "sessions"]
_KINDS: Final[tuple[SignalKind, ...]] = get_args(SignalKind)


def _seconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?\s*", value)
    if match is None:
        raise ValueError("expected a duration such as 500ms, 15s, 5m, 12h or 30d")
    return float(match[1]) * _DURATION_UNITS[match[2] or "s"]


def seconds_of(text: str) -> float:
    """A duration such as ``15s`` or ``30d`` in seconds; ValueError for anything else."""
    return float(str(_seconds(text)))


def _bytes(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+)\s*(|k|m|g|ki|mi|gi)b?\s*", value.lower())
    if match is None:
        raise ValueError("expected a size such as 16MiB, 512kB or 1048576")
    return int(match[1]) * _SIZE_UNITS[match[2]]


@lru_cache(maxsize=64)
def service_retentions(text: str) -> Mapping[tuple[str, SignalKind | None], float]:
    """``checkout=7d,ad/logs=3d`` as seconds by service and signal (None for all signals)."""
    stated: dict[tuple[str, SignalKind | None], float] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        named, equals, duration = item.rpartition("=")
        service, slash, last = named.rpartition("/")
        kind = next((each for each in _KINDS if slash and each == last), None)
        key = (service if kind else named, kind)
        if not equals or not key[0] or not named.isprintable():
            raise ValueError(f"expected service=duration or service/signal=duration, got {item!r}")
        if key in stated:
            raise ValueError(f"{named} is named twice")
        stated[key] = seconds_of(duration)
    return stated


def _checked_services(text: str) -> str:
    service_retentions(text)
    return text


Seconds = Annotated[float, BeforeValidator(_seconds)]
ServiceRetentions = Annotated[str, AfterValidator(_checked_services)]
Bytes = Annotated[int, BeforeValidator(_bytes)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Group(BaseModel):
    """Settings that belong together: frozen, without unknown names, defaults checked like what is given."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

"""The log templates of ``world/logs/*.toml``, read and checked.

Keys of a template: ``on`` the operation or work whose span it belongs to (``service/*``: every operation of the
service), ``when`` (default ``ok``; ``failed``, ``soft``, ``slow`` with ``over_ms``, ``miss`` of the cache, ``flood``,
or a failure's type), ``slot`` (templates of one slot exclude each other; ``start`` is at the span's start, the others
at its end), ``level``, ``share`` of the spans that write it, ``body`` with ``<variables>``, ``attributes`` with
variables, ``exception`` (adds the failure's ``exception.*`` attributes).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from airis_ray.demo.world.operations import OPERATIONS

LEVELS: Final = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}
_VARIABLE: Final = re.compile(r"<([a-z]+)>")

Text = tuple[str, ...]
"""Literal, variable, literal, variable, …, literal."""


@dataclass(frozen=True)
class Template:
    """One log template; ``low`` and ``high`` bound the uniform numbers that choose it within its slot."""

    on: str
    when: str
    slot: str
    level: str
    low: float
    high: float
    body: Text
    attributes: tuple[tuple[str, Text], ...]
    over_ms: float
    exception: bool


@dataclass(frozen=True)
class Slot:
    """Templates that exclude each other."""

    name: str
    when: str
    over_ms: float
    templates: tuple[int, ...]


def load() -> list[Template]:
    """All templates, in the order of services and lines."""
    found: list[Template] = []
    used: dict[tuple[str, str, str], float] = {}
    folder = resources.files("airis_ray.demo.world") / "logs"
    for path in sorted(folder.iterdir(), key=lambda item: item.name):
        if path.name.endswith(".toml"):
            for item in tomllib.loads(path.read_text(encoding="utf-8"))["log"]:
                found.extend(_template(item, on, used) for on in _targets(item["on"]))
    return found


def slots(templates: list[Template]) -> dict[str, list[Slot]]:
    """The slots of every key."""
    grouped: dict[tuple[str, str, str, float], list[int]] = {}
    for number, template in enumerate(templates):
        if template.when != "flood":
            key = (template.on, template.when, template.slot, template.over_ms)
            grouped.setdefault(key, []).append(number)
    out: dict[str, list[Slot]] = {}
    for (on, when, slot, over), numbers in grouped.items():
        out.setdefault(on, []).append(Slot(slot, when, over, tuple(numbers)))
    return out


def mean_volume(templates: list[Template], key: str) -> float:
    """Logs that an ordinary span of ``key`` writes, on average."""
    return sum(item.high - item.low for item in templates if item.on == key and item.when == "ok")


def _targets(on: str) -> list[str]:
    if on.endswith("/*"):
        return [key for key in OPERATIONS if key.startswith(on[:-1])]
    return [on]


def _template(item: dict[str, Any], on: str, used: dict[tuple[str, str, str], float]) -> Template:
    when, slot = item.get("when", "ok"), item.get("slot", "end")
    low = used.get((on, when, slot), 0.0)
    high = used[(on, when, slot)] = low + item["share"]
    return Template(
        on=on,
        when=when,
        slot=slot,
        level=item["level"],
        low=low,
        high=high,
        body=tuple(_VARIABLE.split(item["body"])),
        attributes=tuple(
            (key, tuple(_VARIABLE.split(text))) for key, text in item.get("attributes", {}).items()
        ),
        over_ms=float(item.get("over_ms", 0)),
        exception=item.get("exception", False),
    )

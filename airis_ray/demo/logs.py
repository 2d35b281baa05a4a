"""Log records of simulated spans, as OTLP bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from airis_ray.demo import failures as failing
from airis_ray.demo import templates as templates_
from airis_ray.demo import wire
from airis_ray.demo.chance import generator
from airis_ray.demo.effects import Effects
from airis_ray.demo.faults import active, by_name
from airis_ray.demo.fleet import Fleet
from airis_ray.demo.plan import Plan
from airis_ray.demo.rows import Rows
from airis_ray.demo.season import NS
from airis_ray.demo.simulate import Spans
from airis_ray.demo.traffic import Requests, Users
from airis_ray.demo.variables import Vocabulary, Written
from airis_ray.demo.wire import Column

_ATTRIBUTES: Final = 6
FLOOD: Final = 200
"""A log flood multiplies the service's volume by this."""
_TYPES: Final = np.array([failure.type for failure in failing.TABLE])


@dataclass(frozen=True)
class _Chosen:
    """Spans that write one template, some of them at their start."""

    spans: Spans
    index: npt.NDArray[np.int64]
    time: npt.NDArray[np.int64]


class LogEncoder:
    """Writes the logs of one world."""

    def __init__(self, plan: Plan, users: Users, fleet: Fleet, effects: Effects) -> None:
        self._plan, self._effects = plan, effects
        self.templates = templates_.load()
        self._slots = templates_.slots(self.templates)
        self._words = Vocabulary(users, fleet)
        self._heads = [wire.scalar(_head(item)) for item in self.templates]
        self._exception = wire.pool([_exception(number) for number in range(len(failing.TABLE))])
        self._floods = by_name(plan.faults, "log-flood")
        self._flood = next(n for n, item in enumerate(self.templates) if item.when == "flood")
        self._usual = templates_.mean_volume(self.templates, "ad/GetAds")

    def encode(self, found: list[Spans], requests: Requests, block: int) -> list[Rows]:
        """The logs of a block's spans, framed as ``ScopeLogs.log_records``."""
        rng = generator(self._plan.seed, "logs", block // NS)
        chosen: dict[int, list[_Chosen]] = {}
        for spans in found:
            for slot in self._slots.get(spans.kind.key, ()):
                self._choose(slot, spans, rng, chosen)
            if self._floods and spans.kind.key == "ad/GetAds":
                self._flooded(spans, rng, chosen)
        return [self._write(number, parts, requests, rng) for number, parts in sorted(chosen.items())]

    def _choose(
        self, slot: templates_.Slot, spans: Spans, rng: np.random.Generator, chosen: dict[int, list[_Chosen]]
    ) -> None:
        where = self._matching(slot, spans)
        if len(where) == 0:
            return
        uniform = rng.random(len(where))
        for number in slot.templates:
            template = self.templates[number]
            index = where[(uniform >= template.low) & (uniform < template.high)]
            if len(index):
                start, end = spans.start[index], spans.end[index]
                inside = np.minimum((end - start) // 10, 1_000_000)
                time = start + inside if slot.name == "start" else end - inside
                chosen.setdefault(number, []).append(_Chosen(spans, index, time))

    def _matching(self, slot: templates_.Slot, spans: Spans) -> npt.NDArray[np.int64]:
        failed = spans.failure > 0
        match slot.when:
            case "ok":
                mask = ~failed
            case "failed":
                mask = failed & ~failing.SOFT[spans.failure]
            case "soft":
                mask = failing.SOFT[spans.failure]
            case "slow":
                mask = ~failed & (spans.end - spans.start > slot.over_ms * 1_000_000)
            case "miss":
                mask = ~failed & ~self._effects.cache_hits(spans.span, spans.start)
            case kind:
                mask = np.equal(_TYPES, kind)[spans.failure] & spans.own
        return np.flatnonzero(mask)

    def _flooded(self, spans: Spans, rng: np.random.Generator, chosen: dict[int, list[_Chosen]]) -> None:
        index = np.flatnonzero(active(self._floods, spans.start))
        if len(index):
            many = rng.poisson(FLOOD * self._usual, len(index))
            index = np.repeat(index, many)
            start, end = spans.start[index], spans.end[index]
            time = start + ((end - start) * rng.random(len(index))).astype(np.int64)
            chosen.setdefault(self._flood, []).append(_Chosen(spans, index, time))

    def _write(self, number: int, parts: list[_Chosen], requests: Requests, rng: np.random.Generator) -> Rows:
        template = self.templates[number]
        rows = np.concatenate([part.spans.rows[part.index] for part in parts])
        failure = np.concatenate([part.spans.failure[part.index] for part in parts])
        took = np.concatenate([(part.spans.end - part.spans.start)[part.index] for part in parts])
        span = np.concatenate([part.spans.span[part.index] for part in parts])
        pod = np.concatenate([part.spans.pod[part.index] for part in parts])
        time = np.concatenate([part.time for part in parts])
        noise = rng.integers(0, 1 << 62, len(rows), dtype=np.uint64)
        written = Written(self._words, requests, rows, failure, took, noise)
        columns: list[Any] = [
            wire.scalar(wire.tag(1, 1)),
            wire.fixed(time),
            self._heads[number],
            _body(template.body, written),
            wire.scalar(wire.tag(9, 2) + b"\x10"),
            wire.fixed(requests.trace[rows]),
            wire.scalar(wire.tag(10, 2) + b"\x08"),
            wire.fixed(span),
            wire.scalar(wire.tag(11, 1)),
            wire.fixed(time + 500_000 + (noise & np.uint64(0xFFFFF)).astype(np.int64)),
        ]
        for key, value in template.attributes:
            columns.append(wire.text_attributes(_ATTRIBUTES, key, _text(value, written)))
        if template.exception:
            columns.append(wire.take(self._exception, failure))
        return Rows(wire.delimited(wire.tag(2, 2), wire.join(*columns)), pod, time)


def _head(template: templates_.Template) -> bytes:
    number = templates_.LEVELS[template.level]
    logger = {"log.logger": template.on.replace("/", ".").replace(">", ".")}
    flags = wire.tag(8, 5) + b"\x01\x00\x00\x00"
    severity = wire.tag(2, 0) + wire.varint(number) + wire.field(3, template.level)
    return severity + wire.attributes(_ATTRIBUTES, dict(logger)) + flags


def _body(text: templates_.Text, written: Written) -> Any:
    if len(text) == 1:
        return wire.scalar(wire.field(5, wire.field(1, text[0])))
    return wire.delimited(wire.tag(5, 2), wire.delimited(wire.tag(1, 2), _text(text, written)))


def _text(text: templates_.Text, written: Written) -> Column:
    parts = []
    for number, part in enumerate(text):
        if number % 2:
            parts.append(written.column(part))
        elif part:
            parts.append(wire.scalar(part.encode()))
    return wire.join(*parts)


def _exception(number: int) -> bytes:
    failure = failing.TABLE[number]
    if not failure.exception:
        return b""
    described: dict[str, wire.Attribute] = {
        "exception.type": failure.exception,
        "exception.message": failure.message,
    }
    if failure.stack:
        described["exception.stacktrace"] = failure.stack
    return wire.attributes(_ATTRIBUTES, described)

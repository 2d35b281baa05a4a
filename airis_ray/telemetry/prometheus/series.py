"""Series put together as OTLP metrics."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from airis_ray.telemetry.otlp import encode
from airis_ray.telemetry.otlp.result import MAX_REASONS
from airis_ray.telemetry.prometheus.histograms import (
    STALE,
    BadHistogram,
    explicit_point,
    exponential_point,
    is_explicit,
)

Exemplars = Sequence[tuple[int, bytes]]
"""Time and message of each."""

NAME: Final = "__name__"
SCOPE: Final = "prometheus_remote_write"
MS: Final = 1_000_000

UNKNOWN, COUNTER, GAUGE, HISTOGRAM, GAUGE_HISTOGRAM, SUMMARY, INFO, STATE_SET = range(8)
"""Metric types of the metadata; both versions number them the same."""

_PARTS: Final = ("_bucket", "_count", "_sum")
_SERVICE: Final = ("job", "service_name", "service", "app")
_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_MAX_MS: Final = (2**63 - 1) // MS


@dataclass
class Translated:
    """What became of a request. The counts are of what is in ``otlp``; ``refused`` of samples and histograms that are
    not, for the ``reasons`` (the first few of them)."""

    otlp: bytes = b""
    samples: int = 0
    histograms: int = 0
    exemplars: int = 0
    refused: int = 0
    reasons: list[str] = field(default_factory=list)

    def refuse(self, count: int, reason: str) -> None:
        """Note ``count`` samples that cannot be taken."""
        self.refused += count
        if len(self.reasons) < MAX_REASONS:
            self.reasons.append(reason)


class BadSeries(Exception):
    """A series that cannot be taken; ``str(error)`` says why."""


class Label(NamedTuple):
    """A label, the attribute that it becomes, and the same as the field of a point (nothing for the name)."""

    name: str
    text: str
    attribute: bytes
    field: bytes

    @classmethod
    def of(cls, name: str, text: str) -> Label:
        """The label with its attribute."""
        attribute = encode.attribute(name, text)
        return cls(name, text, attribute, b"" if name == NAME else encode.point_attributes([attribute]))


class Meta(NamedTuple):
    """What is known of a metric besides its name."""

    kind: int = UNKNOWN
    help: str = ""
    unit: str = ""


NO_META: Final = Meta()


class Builder:
    """Collects the points of one request by resource and metric."""

    def __init__(self, limit: int) -> None:
        self.result = Translated()
        self._requests = encode.Requests("metrics", SCOPE, limit)
        self._resources: dict[tuple[str, str], bytes] = {}
        self._metrics: dict[tuple[str, Meta, bool], tuple[bool, bytes]] = {}

    def add(
        self, labels: Sequence[Label], meta: Meta, series: Any, exemplars: Exemplars, start_ms: int
    ) -> None:
        """Add a series with its samples, histograms and exemplars; BadSeries where its labels are wrong."""
        found = _named(labels)
        name = found[NAME].text
        of = self._resource(found)
        counter, head = self._metric(name, meta, "le" in found)
        samples, histograms = series.samples, series.histograms
        if samples or (exemplars and not histograms):
            attributes = b"".join([label.field for label in labels])
            points = _points(samples, attributes, exemplars, start_ms)
            self._requests.add(of, head + (sum_of(points) if counter else gauge_of(points)))
        last = len(histograms) - 1
        for index, histogram in enumerate(histograms):
            try:
                metric = head + _histogram(histogram, labels, exemplars if index == last else (), start_ms)
            except (BadHistogram, BadSeries) as error:
                self.result.refuse(1, f"{name}: {error}")
            else:
                self._requests.add(of, metric)
                self.result.histograms += 1
        self.result.samples += len(samples)
        self.result.exemplars += len(exemplars)

    def finish(self) -> Translated:
        """The request."""
        self.result.otlp = self._requests.encode()
        return self.result

    def _metric(self, name: str, meta: Meta, has_le: bool) -> tuple[bool, bytes]:
        """Whether a metric is a counter, and its message up to the points."""
        key = name, meta, has_le
        known = self._metrics.get(key)
        if known is None:
            head = encode.embedded(b"\x0a", name.encode())
            if meta.help:
                head += encode.embedded(b"\x12", meta.help.encode())
            if meta.unit:
                head += encode.embedded(b"\x1a", meta.unit.encode())
            known = self._metrics[key] = is_counter(name, meta.kind, has_le=has_le), head
        return known

    def _resource(self, found: Mapping[str, Label]) -> bytes:
        service = next((found[name].text for name in _SERVICE if name in found), "")
        instance = found["instance"].text if "instance" in found else ""
        known = self._resources.get((service, instance))
        if known is None:
            known = self._resources[service, instance] = encode.resource(_identity(service, instance))
        return known


def _named(labels: Sequence[Label]) -> dict[str, Label]:
    """The labels by name; BadSeries where they are not what a series needs."""
    found = {label.name: label for label in labels}
    if len(found) != len(labels):
        names = [label.name for label in labels]
        raise BadSeries(f"the label {max(names, key=names.count)} is there twice")
    if "" in found:
        raise BadSeries("a label without a name")
    if NAME not in found or not found[NAME].text:
        raise BadSeries(f"a series without a name (label {NAME})")
    return found


def _points(samples: Sequence[Any], attributes: bytes, exemplars: Exemplars, start_ms: int) -> list[bytes]:
    """A point for each sample; the last has the exemplars. Prometheus also sends exemplars without a sample."""
    messages = [message for _, message in exemplars]
    if not samples:
        return [encode.number_point(exemplars[0][0], None, attributes, exemplars=messages)]
    points = []
    last = len(samples) - 1
    for index, sample in enumerate(samples):
        number: float | None = sample.value
        if number != number and struct.pack("<d", number) == STALE:
            number = None
        points.append(
            encode.number_point(
                nanoseconds(sample.timestamp),
                number,
                attributes,
                start_ns=_known(getattr(sample, "start_timestamp", 0) or start_ms),
                exemplars=messages if index == last else (),
            )
        )
    return points


def _histogram(histogram: Any, labels: Sequence[Label], exemplars: Exemplars, start_ms: int) -> bytes:
    """The field of a metric that a native histogram becomes."""
    explicit = is_explicit(histogram)
    make = explicit_point if explicit else exponential_point
    at, begun = nanoseconds(histogram.timestamp), _known(histogram.start_timestamp or start_ms)
    pairs = [(label.name, label.text) for label in labels if label.name != NAME]
    body = make(histogram, pairs, at, begun, [message for _, message in exemplars])
    return encode.embedded(b"\x4a" if explicit else b"\x52", body)


def exemplar(labels: Sequence[Label], number: float, timestamp: int) -> tuple[int, bytes]:
    """Time and message of an OTLP exemplar: its trace where OTLP has it, other labels as attributes."""
    trace_id = span_id = b""
    rest = []
    for label in labels:
        if label.name in ("trace_id", "traceID") and (found := _id(label.text, 16)):
            trace_id = found
        elif label.name in ("span_id", "spanID") and (found := _id(label.text, 8)):
            span_id = found
        else:
            rest.append(label.attribute)
    at = _known(timestamp)
    return at, encode.exemplar(at, number, rest, trace_id=trace_id, span_id=span_id)


def is_counter(name: str, kind: int, *, has_le: bool) -> bool:
    """Whether a series only grows until it starts again: by its type, and by its name where that is unknown."""
    if kind == COUNTER:
        return True
    if kind in (HISTOGRAM, SUMMARY):
        return name.endswith(_PARTS)
    if kind != UNKNOWN or ":" in name:  # a recording rule's name says what was done to it
        return False
    return name.endswith(("_total", "_count", "_sum")) or (has_le and name.endswith("_bucket"))


def sum_of(points: Sequence[bytes]) -> bytes:
    """The field ``sum`` of a metric: cumulative and monotonic."""
    return encode.embedded(b"\x3a", encode.repeated(b"\x0a", points) + b"\x10\x02\x18\x01")


def gauge_of(points: Sequence[bytes]) -> bytes:
    """The field ``gauge`` of a metric."""
    return encode.embedded(b"\x2a", encode.repeated(b"\x0a", points))


def nanoseconds(milliseconds: int) -> int:
    """Nanoseconds since 1970 of a Prometheus timestamp; BadSeries for one that cannot be stored.

    That is 0, too: in OTLP it would mean the time of arrival.
    """
    if not 0 < milliseconds <= _MAX_MS:
        raise BadSeries(f"the timestamp {milliseconds} (milliseconds) is not between 1970 and 2262")
    return milliseconds * MS


def _known(milliseconds: int) -> int:
    """Like :func:`nanoseconds`; 0 where a time that may be left out is."""
    return nanoseconds(milliseconds) if milliseconds else 0


def _identity(service: str, instance: str) -> Iterable[bytes]:
    """The resource's attributes; a job ``namespace/name`` is taken apart, as the exporters put it together."""
    namespace, slash, name = service.rpartition("/")
    if slash and namespace and name:
        yield encode.attribute("service.namespace", namespace)
        service = name
    if service:
        yield encode.attribute("service.name", service)
    if instance:
        yield encode.attribute("service.instance.id", instance)


def _id(text: str, size: int) -> bytes:
    """An id of ``size`` bytes out of hexadecimal digits (Prometheus clients also write shorter ones)."""
    if len(text) > 2 * size or not _HEX.fullmatch(text):
        return b""
    return bytes.fromhex(text.zfill(2 * size))

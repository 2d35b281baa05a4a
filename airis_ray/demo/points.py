"""Metric data points as OTLP bytes, a column of points at a time."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from airis_ray.demo import wire
from airis_ray.demo.chance import Floats
from airis_ray.demo.rows import Rows
from airis_ray.demo.wire import Column, Ints
from airis_ray.demo.world.metrics import Metric

_CUMULATIVE: Final = wire.tag(2, 0) + b"\x02"
_MONOTONIC: Final = wire.tag(3, 0) + b"\x01"
_DATA: Final = {
    "gauge": (5, b""),
    "counter": (7, _CUMULATIVE + _MONOTONIC),
    "updown": (7, _CUMULATIVE),
    "histogram": (9, _CUMULATIVE),
    "exponential": (10, _CUMULATIVE),
    "summary": (11, b""),
}
"""Field of ``Metric`` that holds the points, and what follows them there."""


def numbers(start: Ints | None, time: Ints, values: npt.NDArray[Any], attributes: Column) -> Column:
    """``NumberDataPoint`` messages: integers for an integer vector, doubles for a float one."""
    value = wire.tag(6, 1) if values.dtype.kind == "i" else wire.tag(4, 1)
    parts: list[Any] = [] if start is None else [wire.scalar(wire.tag(2, 1)), wire.fixed(start)]
    parts += [
        wire.scalar(wire.tag(3, 1)),
        wire.fixed(time),
        wire.scalar(value),
        wire.fixed(values),
        attributes,
    ]
    return wire.join(*parts)


def histograms(
    start: Ints,
    time: Ints,
    total: Floats,
    buckets: Ints,
    extremes: tuple[Floats, Floats],
    bounds: tuple[float, ...],
    attributes: Column,
    exemplars: Column | None,
) -> Column:
    """``HistogramDataPoint`` messages; ``buckets`` has a row for each point."""
    width = buckets.shape[1] * 8
    edges = np.array(bounds).tobytes()
    packed = np.ascontiguousarray(buckets).view(np.uint8).reshape(len(buckets), width)
    parts: list[Any] = [
        *_times(start, time),
        wire.scalar(wire.tag(4, 1)),
        wire.fixed(buckets.sum(axis=1)),
        wire.scalar(wire.tag(5, 1)),
        wire.fixed(total),
        wire.scalar(wire.tag(6, 2) + wire.varint(width)),
        wire.fixed(packed),
        wire.scalar(wire.tag(7, 2) + wire.varint(len(edges)) + edges),
        *_extremes((11, 12), extremes),
        attributes,
    ]
    return wire.join(*parts, *([] if exemplars is None else [exemplars]))


def exponentials(
    start: Ints,
    time: Ints,
    total: Floats,
    buckets: Ints,
    extremes: tuple[Floats, Floats],
    offset: int,
    scale: int,
    attributes: Column,
) -> Column:
    """``ExponentialHistogramDataPoint`` messages; the first column of ``buckets`` is bucket ``offset``."""
    used = np.flatnonzero(buckets.any(axis=0))
    low, high = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 1)
    counts = wire.varints(np.ascontiguousarray(buckets[:, low:high]).ravel())
    edges = np.ascontiguousarray(wire.offsets_of(counts)[:: high - low])
    packed = wire.cut(counts, edges)
    head = wire.tag(1, 0) + wire.varint(_zigzag(offset + low))
    positive = wire.join(wire.scalar(head), wire.delimited(wire.tag(2, 2), packed))
    return wire.join(
        *_times(start, time),
        wire.scalar(wire.tag(4, 1)),
        wire.fixed(buckets.sum(axis=1)),
        wire.scalar(wire.tag(5, 1)),
        wire.fixed(total),
        wire.scalar(wire.tag(6, 0) + wire.varint(_zigzag(scale))),
        wire.delimited(wire.tag(8, 2), positive),
        *_extremes((12, 13), extremes),
        attributes,
    )


def summaries(
    start: Ints,
    time: Ints,
    count: Ints,
    total: Floats,
    quantiles: tuple[float, ...],
    values: Floats,
    attributes: Column,
) -> Column:
    """``SummaryDataPoint`` messages; ``values`` has a row of quantiles for each point."""
    parts: list[Any] = [
        *_times(start, time),
        wire.scalar(wire.tag(4, 1)),
        wire.fixed(count),
        wire.scalar(wire.tag(5, 1)),
        wire.fixed(total),
    ]
    for number, quantile in enumerate(quantiles):
        head = wire.tag(6, 2) + b"\x12" + wire.tag(1, 1) + np.float64(quantile).tobytes() + wire.tag(2, 1)
        parts += [wire.scalar(head), wire.fixed(np.ascontiguousarray(values[:, number]))]
    return wire.join(*parts, attributes)


def exemplars(
    time: Ints, values: Floats, span: npt.NDArray[np.uint64], trace: npt.NDArray[np.uint8]
) -> Column:
    """``Exemplar`` messages as field 8 of a histogram's point."""
    inner = wire.join(
        wire.scalar(wire.tag(2, 1)),
        wire.fixed(time),
        wire.scalar(wire.tag(3, 1)),
        wire.fixed(values),
        wire.scalar(wire.tag(4, 2) + b"\x08"),
        wire.fixed(span),
        wire.scalar(wire.tag(5, 2) + b"\x10"),
        wire.fixed(trace),
    )
    return wire.delimited(wire.tag(8, 2), inner)


def metrics(metric: Metric, points: Column, pod: Ints, time: Ints) -> Rows:
    """The points put into one ``Metric`` message for each pod, framed as ``ScopeMetrics.metrics``."""
    if not len(pod):
        return Rows.concat([])
    order = np.lexsort((time, pod))
    pod, time = pod[order], time[order]
    framed = wire.delimited(wire.tag(1, 2), wire.take(points, order))
    offsets, data = wire.offsets_of(framed), wire.data_of(framed)
    named = wire.field(1, metric.name) + wire.field(2, metric.description) + wire.field(3, metric.unit)
    number, closing = _DATA[metric.kind]
    edges = np.flatnonzero(np.diff(pod)) + 1
    lows, highs = np.concatenate([[0], edges]), np.concatenate([edges, [len(pod)]])
    messages = []
    for low, high in zip(lows.tolist(), highs.tolist(), strict=True):
        body = data[offsets[low] : offsets[high]]
        messages.append(wire.field(2, named + wire.field(number, b"".join((body, closing)))))
    return Rows(wire.pool(messages), pod[lows], time[highs - 1], highs - lows)


def _times(start: Ints, time: Ints) -> tuple[Any, ...]:
    return wire.scalar(wire.tag(2, 1)), wire.fixed(start), wire.scalar(wire.tag(3, 1)), wire.fixed(time)


def _extremes(fields: tuple[int, int], extremes: tuple[Floats, Floats]) -> list[Any]:
    return [
        part
        for number, values in zip(fields, extremes, strict=True)
        for part in (wire.scalar(wire.tag(number, 1)), wire.fixed(values))
    ]


def _zigzag(value: int) -> int:
    return value * 2 if value >= 0 else -value * 2 - 1

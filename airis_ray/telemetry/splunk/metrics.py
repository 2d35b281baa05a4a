"""Metric events of HEC: ``{"event": "metric", "fields": {"metric_name:cpu.usage": 0.5, "region": "kr"}}``, or one
metric an event with ``metric_name`` and ``_value``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.lines import json_text
from airis_ray.telemetry.otlp import encode

_PREFIX: Final = "metric_name:"
_NAME, _VALUE = "metric_name", "_value"


def is_metric(event: Any, fields: Mapping[str, Any]) -> bool:
    """Whether an event carries metrics."""
    return bool(event == "metric" and any(name.startswith(_NAME) for name in fields))


def add_metrics(requests: encode.Requests, resource: bytes, time_ns: int, fields: Mapping[str, Any]) -> None:
    """Add a gauge for each metric of an event; its other fields are their attributes.

    Raises InvalidInput where a value is no number.
    """
    values = dict(_values(fields))
    rest = [
        encode.attribute(name, item if isinstance(item, str | bool | int | float) else json_text(item))
        for name, item in fields.items()
        if not name.startswith(_PREFIX) and name not in (_NAME, _VALUE)
    ]
    attributes = encode.point_attributes(rest)
    for name, number in values.items():
        point = encode.number_point(time_ns, number, attributes)
        gauge = encode.embedded(b"\x2a", encode.embedded(b"\x0a", point))
        requests.add(resource, encode.embedded(b"\x0a", name.encode()) + gauge)


def _values(fields: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for key, item in fields.items():
        if key.startswith(_PREFIX):
            yield key.removeprefix(_PREFIX), _number(key, item)
    if _VALUE in fields:
        yield str(fields.get(_NAME, "")), _number(_VALUE, fields[_VALUE])


def _number(key: str, item: Any) -> float:
    try:
        number = float(item) if isinstance(item, int | float | str) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInput(f"the metric value {key} is not a number")
    return number

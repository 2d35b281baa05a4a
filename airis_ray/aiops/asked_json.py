"""Series as JSON writes them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ValidationError

from airis_ray.aiops.asked import Asked
from airis_ray.aiops.series import Floats, Ints
from airis_ray.errors import InvalidInput, Unprocessable
from airis_ray.telemetry.times import TIME_EXPECTED, parse_time
from airis_ray.web.validation import invalid_fields, nearest

Model = TypeVar("Model", bound=BaseModel)

_FIELDS: Final = frozenset({"timestamps", "values", "labels"})
_NUMBERS: Final = {int, float, type(None)}
_NO_NUMBER: Final = re.compile(rb"\b(?:NaN|Infinity)\b")
"""What some libraries write for a number that is none; JSON has no word for it."""
_NO_INTS: Final = np.zeros(0, np.int64)
_NO_FLOATS: Final = np.zeros(0)


class _Bad(Exception):
    """What is wrong with one series: the field, the position in it, a sentence."""

    def __init__(self, field: str, position: int | None, message: str) -> None:
        super().__init__(message)
        self.field, self.position, self.message = field, position, message


def read_body(body: bytes, model: type[Model]) -> Model:
    """A body as ``model``, which leaves its series as they are.

    Raises InvalidInput for what is no JSON, Unprocessable for fields that are unknown or out of bounds.
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        hint = "; null is a missing point" if _NO_NUMBER.search(body) else ""
        raise InvalidInput(f"the body is not JSON: {error}{hint}") from None
    return checked(found, model)


def checked(found: object, model: type[Model]) -> Model:
    """The options of a request. Raises Unprocessable that names each bad one."""
    try:
        return model.model_validate(found)
    except ValidationError as error:
        fields = invalid_fields(error, model, found)
        message = "; ".join(f"{item.pointer or 'the body'}: {item.detail}" for item in fields[:3])
        raise Unprocessable(message, errors=fields) from None


def read_series(series: list[Any], now_ns: int) -> Asked:
    """The series of a JSON body; those that cannot be read are refused, each with its reason."""
    labels: list[dict[str, str]] = []
    parts: list[tuple[Ints, Floats]] = []
    bad: dict[int, _Bad] = {}
    for number, each in enumerate(series):
        labels.append(_labels(each))
        try:
            parts.append(_one(each, now_ns))
        except _Bad as error:
            bad[number] = error
            parts.append((_NO_INTS, _NO_FLOATS))
    offsets = np.cumsum([0, *(len(times) for times, _ in parts)]).astype(np.int64)
    times, values = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    asked = Asked.of(labels, offsets, times, values)
    for number, found in bad.items():
        asked.refuse(number, found.field, found.position, found.message)
    asked.check_times()
    return asked


def _labels(series: Any) -> dict[str, str]:
    labels = series.get("labels") if isinstance(series, Mapping) else None
    return {name: str(value) for name, value in labels.items()} if isinstance(labels, Mapping) else {}


def _one(series: Any, now_ns: int) -> tuple[Ints, Floats]:
    if not isinstance(series, Mapping):
        raise _Bad("", None, f"is {_shown(series)}; expected an object with timestamps and values")
    if unknown := series.keys() - _FIELDS:
        name = min(unknown)
        raise _Bad(name, None, f"unknown field {name}{nearest(name, _FIELDS)}")
    for name in ("timestamps", "values"):
        if not isinstance(series.get(name), list):
            came = _shown(series[name]) if name in series else "missing"
            raise _Bad(name, None, f"{name} is {came}; expected an array")
    labels = series.get("labels")
    if not (labels is None or isinstance(labels, Mapping)):
        raise _Bad("labels", None, f"labels is {_shown(labels)}; expected an object")
    times, values = _times(series["timestamps"], now_ns), _values(series["values"])
    if len(times) != len(values):
        position = min(len(times), len(values))
        message = f"{len(times)} timestamps and {len(values)} values; expected as many (position {position})"
        raise _Bad("timestamps" if len(times) < len(values) else "values", position, message)
    return times, values


def _times(given: list[Any], now_ns: int) -> Ints:
    """Nanoseconds; integers and RFC 3339 at once, anything else item by item."""
    kinds = set(map(type, given))
    with contextlib.suppress(pa.ArrowInvalid, OverflowError):  # the items say where and why
        if kinds <= {int}:
            return np.array(given, dtype=np.int64)
        if kinds == {str}:
            found: Ints = pc.cast(pa.array(given), pa.timestamp("ns", "UTC")).cast(pa.int64()).to_numpy()
            return found
    return np.array([_time(item, position, now_ns) for position, item in enumerate(given)], dtype=np.int64)


def _time(item: Any, position: int, now_ns: int) -> int:
    if isinstance(item, str | int) and not isinstance(item, bool):
        try:
            return parse_time(item, now_ns)
        except InvalidInput as error:
            raise _Bad("timestamps", position, f"time at position {position}{error}") from None
    message = f"time at position {position} is {_shown(item)}; expected {TIME_EXPECTED}"
    raise _Bad("timestamps", position, message)


def _values(given: list[Any]) -> Floats:
    """Numbers; null is a missing point."""
    if set(map(type, given)) <= _NUMBERS:
        return np.array(given, dtype=np.float64)
    position = next(i for i, item in enumerate(given) if type(item) not in _NUMBERS)
    message = f"value at position {position} is {_shown(given[position])}; expected a number or null"
    raise _Bad("values", position, message)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"

"""An OTLP value as the text that the tables keep: the Collector's ``Value.AsString``.

A number or a list is JSON as Go writes it. One thing is told otherwise: a number that is not finite is
``NaN``, ``+Inf`` or ``-Inf`` (a JSON string inside lists and maps), where the Collector writes an error
message or nothing.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterable
from typing import Any, Final

from airis_ray.telemetry.otlp.result import MAX_DEPTH, RecordError
from airis_ray.telemetry.otlp.wire import TOO_DEEP

_ESCAPED: Final = re.compile('[\x00-\x1f"\\\\<>&\u2028\u2029]')
_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def as_string(value: Any) -> str:
    """The text of an ``AnyValue`` message; '' for one that is not set."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return str(value.string_value)
    if kind in ("array_value", "kvlist_value"):
        return _json(value, 1)
    if kind == "double_value" and not math.isfinite(value.double_value):
        return _not_finite(value.double_value)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return "" if kind is None or kind not in _SCALARS else _json(value, 1)


_SCALARS: Final = ("bool_value", "int_value", "double_value")


def _json(value: Any, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise RecordError(TOO_DEEP)
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return _quoted(value.string_value)
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "int_value":
        return str(value.int_value)
    if kind == "double_value":
        return _double(value.double_value)
    if kind == "bytes_value":
        return f'"{base64.b64encode(value.bytes_value).decode()}"'
    if kind == "array_value":
        return "[" + ",".join([_json(item, depth + 1) for item in value.array_value.values]) + "]"
    if kind == "kvlist_value":
        items = {pair.key: _json(pair.value, depth + 1) for pair in value.kvlist_value.values}
        return "{" + ",".join([f"{_quoted(key)}:{items[key]}" for key in sorted(items)]) + "}"
    return "null"


def _double(value: float) -> str:
    return go_float(value) if math.isfinite(value) else f'"{_not_finite(value)}"'


def _not_finite(value: float) -> str:
    return "NaN" if value != value else "+Inf" if value > 0 else "-Inf"


def go_float(value: float) -> str:
    """A finite number as Go's encoding/json writes it: the shortest digits that give the same number back.

    Positional unless the magnitude is below 1e-6 or from 1e21 on; exponents are not padded.
    """
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if not -6 < point <= 21:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        # Go pads an exponent to two digits, and encoding/json takes the padding of negative ones off again.
        return f"{sign}{digits[0]}{tail}e{'-' if point < 1 else '+'}{abs(point - 1)}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if len(digits) <= point:
        return sign + digits.ljust(point, "0")
    return f"{sign}{digits[:point]}.{digits[point:]}"


def _quoted(value: str) -> str:
    return f'"{_ESCAPED.sub(_escape, value)}"'


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    return _SHORT.get(char) or f"\\u{ord(char):04x}"


def attributes(pairs: Iterable[Any]) -> list[tuple[str, str]]:
    """``KeyValue`` messages as the entries of a map column, in their order, repeated keys included."""
    return [(pair.key, as_string(pair.value)) for pair in pairs]

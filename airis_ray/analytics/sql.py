"""SQL put together from trusted text and bound values.

A value becomes a parameter named after its content, so that fragments join by plain concatenation: the same value
twice is one parameter, and two fragments never clash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and the values of the parameters (``{name:Type}``) in it."""

    text: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __add__(self, other: Sql) -> Sql:
        return Sql(self.text + other.text, {**self.parameters, **other.parameters})


TRUE: Final = Sql("1")
FALSE: Final = Sql("0")


def bind(value: str | int | float | list[int], kind: LiteralString) -> Sql:
    """A value as a parameter of the ClickHouse type ``kind``."""
    digest = hashlib.blake2s(f"{kind}\0{value!r}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    name = f"p_{digest}"
    return Sql(f"{{{name}:{kind}}}", {name: value})


def text(value: str) -> Sql:
    """A string parameter."""
    return bind(value, "String")


def time(time_ns: int) -> Sql:
    """A DateTime64(9) of a time in nanoseconds."""
    return sql("fromUnixTimestamp64Nano({}, 'UTC')", bind(time_ns, "Int64"))


def sql(template: LiteralString, *parts: Sql) -> Sql:
    """The template with each ``{}`` replaced by a part, in order."""
    pieces = template.split("{}")
    if len(pieces) != len(parts) + 1:
        raise ValueError(f"{len(parts)} parts for {len(pieces) - 1} places in {template!r}")
    texts = [pieces[0]]
    parameters: dict[str, Any] = {}
    for part, piece in zip(parts, pieces[1:], strict=True):
        texts += (part.text, piece)
        parameters.update(part.parameters)
    return Sql("".join(texts), parameters)


def join(separator: LiteralString, parts: Iterable[Sql]) -> Sql:
    """The parts with the separator between them."""
    listed = list(parts)
    parameters: dict[str, Any] = {}
    for part in listed:
        parameters.update(part.parameters)
    return Sql(separator.join(part.text for part in listed), parameters)


def all_of(conditions: Iterable[Sql]) -> Sql:
    """The conditions joined by AND; true where there are none."""
    return _junction(" AND ", [each for each in conditions if each != TRUE], TRUE)


def any_of(conditions: Iterable[Sql]) -> Sql:
    """The conditions joined by OR; false where there are none."""
    return _junction(" OR ", [each for each in conditions if each != FALSE], FALSE)


def negate(condition: Sql) -> Sql:
    """NOT of a condition (which must never be NULL)."""
    return sql("NOT ({})", condition)


def begins(column: Sql, prefix: str) -> Sql:
    """Whether a string begins so, in any case; true for the empty prefix."""
    return sql("startsWith(lowerUTF8({}), lowerUTF8({}))", column, text(prefix)) if prefix else TRUE


def quote_identifier(name: str) -> Sql:
    """A column's or table's name in backticks, whatever its characters."""
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return Sql(f"`{escaped}`")


def _junction(word: LiteralString, conditions: list[Sql], empty: Sql) -> Sql:
    if not conditions:
        return empty
    if len(conditions) == 1:
        return conditions[0]
    return sql("({})", join(word, conditions))

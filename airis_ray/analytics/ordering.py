"""Orders of ``/search``: the keys a page is sorted by, and conditions on where a row stands among them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from airis_ray.analytics.cursors import KeyValue
from airis_ray.analytics.fields import Field, resolve
from airis_ray.analytics.levels import level_rank
from airis_ray.analytics.signals import Kind, Source, source_of
from airis_ray.analytics.sql import FALSE, TRUE, Sql, all_of, any_of, bind, join, quote_identifier, sql, time
from airis_ray.errors import InvalidInput
from airis_ray.store.keys import HOT_KEYS, HotKeys

_ORDER: Final = re.compile(r"\s*(\S.*?)\s+(asc|desc)\s*", re.IGNORECASE | re.DOTALL)
_PREFIX: Final = 256
"""Characters of a text that rows are sorted by; a cursor carries them."""


@dataclass(frozen=True)
class Key:
    """One sorting key; ``kind`` says how its values are sent and read."""

    value: Sql
    kind: Literal["time", "Int64", "UInt64", "Float64", "String"]
    descending: bool

    @property
    def order(self) -> Sql:
        """Its place in ORDER BY."""
        return sql("{} DESC", self.value) if self.descending else self.value

    @property
    def exported(self) -> Sql:
        """Its place in SELECT: nanoseconds of a time, else the value."""
        return sql("toUnixTimestamp64Nano({})", self.value) if self.kind == "time" else self.value

    def bound(self, value: KeyValue) -> Sql:
        """A value to compare it with."""
        return time(int(value)) if self.kind == "time" else bind(value, self.kind)

    def flipped(self) -> Key:
        """The same key in the other direction."""
        return replace(self, descending=not self.descending)


@dataclass(frozen=True)
class Order:
    """The keys of an order; the time is always among them, and the last."""

    keys: tuple[Key, ...]

    @property
    def by_time(self) -> bool:
        """Whether rows are sorted by time alone."""
        return len(self.keys) == 1

    @property
    def descending(self) -> bool:
        """Whether the first key descends."""
        return self.keys[0].descending


def order_of(text: str | None, signal: str, hot: HotKeys = HOT_KEYS) -> Order:
    """The order ``<field> asc|desc``; newest first without one.

    Raises InvalidInput at ``/order`` where there is none such.
    """
    source = source_of(signal)
    if text is None:
        return Order((_time_key(source, descending=True),))
    match = _ORDER.fullmatch(text)
    if match is None:
        raise InvalidInput.field(
            "/order", f'"{text}" is no order; expected <field> asc|desc, as in duration desc'
        )
    field, descending = resolve(match[1], signal, hot=hot), match[2].lower() == "desc"
    if field.name == source.time:
        return Order((_time_key(source, descending=descending),))
    return Order((*_keys(field, descending), _time_key(source, descending=True)))


def row_hash(source: Source, columns: Sequence[str]) -> Key:
    """The key that orders rows whose other keys are equal: equal only for rows that are the same in every column."""
    listed = join(", ", [quote_identifier(name) for name in columns])
    return Key(sql("cityHash64({})", listed), "UInt64", descending=False)


def order_by(keys: Sequence[Key]) -> Sql:
    """The list of ORDER BY."""
    return join(", ", [key.order for key in keys])


def beyond(keys: Sequence[Key], values: Sequence[KeyValue], *, inclusive: bool) -> Sql:
    """The condition that a row comes after these values in the order, or at them where ``inclusive``."""
    condition = TRUE if inclusive else FALSE
    for key, value in zip(reversed(keys), reversed(values), strict=True):
        bound = key.bound(value)
        strictly = sql("{} < {}" if key.descending else "{} > {}", key.value, bound)
        condition = any_of([strictly, all_of([sql("{} = {}", key.value, bound), condition])])
    # The first key alone, so that an index on it can be used.
    first = sql("{} <= {}" if keys[0].descending else "{} >= {}", keys[0].value, keys[0].bound(values[0]))
    return all_of([first, condition])


def up_to(keys: Sequence[Key], values: Sequence[KeyValue]) -> Sql:
    """The condition that a row comes before these values in the order or at them."""
    return beyond([key.flipped() for key in keys], values, inclusive=True)


def _time_key(source: Source, *, descending: bool) -> Key:
    return Key(quote_identifier(source.time), "time", descending)


def _keys(field: Field, descending: bool) -> tuple[Key, ...]:
    match field.kind:
        case Kind.TIME:
            return (Key(field.value, "time", descending),)
        case Kind.NUMBER | Kind.DURATION:
            return (Key(sql("toUInt64({})", field.value), "UInt64", descending),)
        case Kind.LEVEL:
            return (Key(level_rank(), "UInt64", descending),)
        case Kind.STRING | Kind.ENUM:
            return (Key(_prefix(field.value), "String", descending),)
        case Kind.ATTRIBUTE:
            return _attribute_keys(field, descending)
        case _:
            raise InvalidInput.field("/order", f"{field.name} cannot be sorted by")


def _attribute_keys(field: Field, descending: bool) -> tuple[Key, ...]:
    """Numbers by their size, then texts, then rows without the attribute, whatever the direction."""
    number = field.number
    finite = sql("ifNull(isFinite({}), 0)", number)
    return (
        Key(sql("multiIf({}, 0, {} != '', 1, 2)", finite, field.value), "UInt64", descending=False),
        Key(sql("if({}, assumeNotNull({}), 0)", finite, number), "Float64", descending),
        Key(_prefix(field.value), "String", descending),
    )


def _prefix(value: Sql) -> Sql:
    return sql("leftUTF8(toString({}), {})", value, Sql(str(_PREFIX)))

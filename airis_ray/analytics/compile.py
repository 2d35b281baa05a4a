"""From the tree of a query to a condition in SQL, every value bound."""

from __future__ import annotations

import operator
import re
import string
from collections.abc import Callable
from decimal import Decimal
from typing import Final, NoReturn

from airis_ray.analytics import sql as s
from airis_ray.analytics.fields import Field, resolve
from airis_ray.analytics.levels import is_level
from airis_ray.analytics.nodes import (
    And,
    Compare,
    Equals,
    Everything,
    Exists,
    Leaf,
    Node,
    Not,
    Operator,
    Or,
    Range,
    Text,
    Value,
    leaves,
)
from airis_ray.analytics.signals import Kind, source_of
from airis_ray.analytics.sql import Sql
from airis_ray.analytics.syntax import invalid, parse
from airis_ray.errors import InvalidInput
from airis_ray.store.keys import HOT_KEYS, HotKeys
from airis_ray.telemetry.severity import LEVELS, canonical
from airis_ray.telemetry.times import UNITS, parse_time

_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?", re.ASCII)
_AMOUNT: Final = re.compile(rf"({_NUMBER.pattern})(ns|us|µs|ms|s|m|h|d|w)", re.ASCII)
_ENUMS: Final = {
    "SpanKind": ("SPAN_KIND_", ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")),
    "StatusCode": ("STATUS_CODE_", ("Unset", "Ok", "Error")),
}
_OPERATORS: Final[dict[Operator, Sql]] = {">": Sql(">"), ">=": Sql(">="), "<": Sql("<"), "<=": Sql("<=")}
_COMPARE: Final[dict[Operator, Callable[[int, int], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_ASCII_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def compile_filter(
    node: Node,
    signal: str,
    *,
    table: str | None = None,
    now_ns: int | None = None,
    pointer: str = "/query",
    hot: HotKeys = HOT_KEYS,
) -> Sql:
    """The condition (never NULL) that a row of the signal's table meets where the query matches it.

    ``now_ns`` is what ``now`` means in a query; without it a relative time is refused. ``hot`` says which attribute
    keys have a column of their own. Raises InvalidInput at ``pointer`` where a value does not fit its field.
    """
    return _Compiler(signal, table, now_ns, pointer, hot).node(node)


def query_filter(
    query: str,
    signal: str,
    *,
    table: str | None = None,
    now_ns: int | None = None,
    pointer: str = "/query",
    hot: HotKeys = HOT_KEYS,
) -> Sql:
    """:func:`compile_filter` of the parsed query."""
    node = parse(query, pointer=pointer)
    return compile_filter(node, signal, table=table, now_ns=now_ns, pointer=pointer, hot=hot)


def columns_read(node: Node, signal: str, *, table: str | None = None) -> frozenset[str] | None:
    """The columns that the condition of a query reads; None where it reads attributes, which have no fixed ones."""
    columns: set[str] = set()
    for leaf in leaves(node):
        if isinstance(leaf, Text):
            columns.add(source_of(signal, table).text)
        elif not isinstance(leaf, Everything):
            read = resolve(leaf.field, signal, table=table).columns
            if read is None:
                return None
            columns |= read
    return frozenset(columns)


class _Compiler:
    def __init__(
        self, signal: str, table: str | None, now_ns: int | None, pointer: str, hot: HotKeys
    ) -> None:
        self.signal = signal
        self.table = table
        self.now_ns = now_ns
        self.pointer = pointer
        self.hot = hot

    def node(self, node: Node) -> Sql:
        if isinstance(node, And):
            return s.all_of([self.node(child) for child in node.nodes])
        if isinstance(node, Or):
            return s.any_of([self.node(child) for child in node.nodes])
        if isinstance(node, Not):
            return s.negate(self.node(node.node))
        return self.leaf(node)

    def leaf(self, leaf: Leaf) -> Sql:
        match leaf:
            case Everything():
                return s.TRUE
            case Text(value):
                column = Sql(source_of(self.signal, self.table).text)
                return s.sql("lower({}) LIKE {}", column, s.text(f"%{_like(value).translate(_ASCII_LOWER)}%"))
            case Equals(name, value, at):
                return self.equals(self.field(name), value, at)
            case Exists(name):
                return self.field(name).present
            case Compare(name, word, operand, at):
                return self.compare(self.field(name), [(word, operand)], at)
            case Range(name, low, high, low_open, high_open, at):
                bounds: list[tuple[Operator, str]] = []
                if low is not None:
                    bounds.append((">" if low_open else ">=", low))
                if high is not None:
                    bounds.append(("<" if high_open else "<=", high))
                return self.compare(self.field(name), bounds, at)

    def field(self, name: str) -> Field:
        return resolve(name, self.signal, table=self.table, hot=self.hot)

    def equals(self, field: Field, value: Value, at: int) -> Sql:
        literal = value.literal
        if field.kind is Kind.LEVEL and literal is not None and (level := canonical(literal)):
            return is_level(level)
        if field.kind in (Kind.TIME, Kind.BOOL, Kind.MAP, Kind.OTHER):
            return s.sql("{} = {}", field.value, self.typed(field, literal, at))
        if literal is None:
            return self.matches(field, value)
        if field.kind in (Kind.NUMBER, Kind.DURATION):
            return s.sql("{} = {}", field.value, self.typed(field, literal, at))
        if field.kind is Kind.ENUM:
            return _enum(field, literal)
        if field.kind in (Kind.TEXT, Kind.LEVEL):
            return s.sql("lower({}) = {}", field.value, s.text(literal.translate(_ASCII_LOWER)))
        if field.kind is Kind.STRINGS:
            return s.sql("has({}, {})", field.value, s.text(literal))
        return field.equals(literal)

    def matches(self, field: Field, value: Value) -> Sql:
        """The field's whole text fits the wildcards; a row that lacks an attribute never does."""
        pattern = _like(value)
        if field.kind in (Kind.TEXT, Kind.ENUM, Kind.LEVEL):
            return s.sql("lower({}) LIKE {}", field.value, s.text(pattern.translate(_ASCII_LOWER)))
        if field.kind is Kind.STRINGS:
            return s.sql("arrayExists(x -> x LIKE {}, {})", s.text(pattern), field.value)
        if field.kind in (Kind.NUMBER, Kind.DURATION):
            return s.sql("toString({}) LIKE {}", field.value, s.text(pattern))
        return s.sql("({} != '' AND {} LIKE {})", field.value, field.value, s.text(pattern))

    def compare(self, field: Field, bounds: list[tuple[Operator, str]], at: int) -> Sql:
        if field.kind is Kind.LEVEL:
            return self.compare_levels(bounds, at)
        if field.kind in (Kind.NUMBER, Kind.DURATION, Kind.TIME, Kind.BOOL, Kind.MAP, Kind.OTHER):
            return s.all_of(
                s.sql("{} {} {}", field.value, _OPERATORS[word], self.typed(field, operand, at))
                for word, operand in bounds
            )
        if field.kind is Kind.STRINGS:
            return s.sql("arrayExists(x -> {}, {})", self.compare_text(Sql("x"), bounds), field.value)
        numbers = [_number(operand, units=field.kind is Kind.ATTRIBUTE) for _, operand in bounds]
        if field.kind is Kind.ATTRIBUTE and all(number is not None for number in numbers):
            # NULL (missing, or no number) compares to NULL, which a negation must see as "no".
            return s.sql(
                "ifNull({}, 0)",
                s.all_of(
                    s.sql("{} {} {}", field.number, _OPERATORS[word], _bound_number(number))
                    for (word, _), number in zip(bounds, numbers, strict=True)
                    if number is not None
                ),
            )
        return s.all_of([s.sql("{} != ''", field.value), self.compare_text(field.value, bounds)])

    def compare_text(self, value: Sql, bounds: list[tuple[Operator, str]]) -> Sql:
        return s.all_of(
            s.sql("{} {} {}", value, _OPERATORS[word], s.text(operand)) for word, operand in bounds
        )

    def compare_levels(self, bounds: list[tuple[Operator, str]], at: int) -> Sql:
        chosen = list(LEVELS)
        for word, operand in bounds:
            level = canonical(operand)
            if level is None:
                self.fail(at, f'"{operand}" is no level; expected one of {", ".join(LEVELS)}')
            rank = LEVELS.index(level)
            chosen = [each for each in chosen if _COMPARE[word](LEVELS.index(each), rank)]
        return is_level(*chosen) if chosen else s.FALSE

    def typed(self, field: Field, literal: str | None, at: int) -> Sql:
        """A value as its field's type."""
        if field.kind is Kind.MAP:
            self.fail(at, f"{field.name} is a map; name a key of it, as in {field.name}.some.key")
        if field.kind is Kind.OTHER:
            self.fail(at, f"{field.name} can only be asked for with {field.name}:*")
        if literal is None:
            self.fail(at, f"{field.name} takes no wildcards; expected {_EXPECTED[field.kind]}")
        if field.kind is Kind.TIME:
            return s.time(self.time(field, literal, at))
        if field.kind is Kind.BOOL:
            if literal.lower() not in ("true", "false"):
                self.unfit(field, literal, at)
            return Sql(literal.lower())
        number = _number(literal, units=field.kind is Kind.DURATION)
        if number is None:
            self.unfit(field, literal, at)
        return _bound_number(number)

    def time(self, field: Field, literal: str, at: int) -> int:
        if self.now_ns is None and literal.startswith("now"):
            self.fail(at, "a relative time has no meaning here; expected an absolute one")
        try:
            return parse_time(literal, self.now_ns or 0)
        except InvalidInput as error:
            raise invalid(self.pointer, at, f"{field.name}: {error.errors[0].detail}") from None

    def unfit(self, field: Field, literal: str, at: int) -> NoReturn:
        self.fail(at, f'"{literal}" does not fit {field.name}; expected {_EXPECTED[field.kind]}')

    def fail(self, at: int, problem: str) -> NoReturn:
        raise invalid(self.pointer, at, problem)


_EXPECTED: Final = {
    Kind.NUMBER: "a number",
    Kind.DURATION: "a duration such as 500ms or 2s, or a number of nanoseconds",
    Kind.TIME: "an RFC 3339 time, nanoseconds, or a relative time such as now-5m",
    Kind.BOOL: "true or false",
}


def _enum(field: Field, literal: str) -> Sql:
    prefix, names = _ENUMS[field.name]
    folded = literal.upper().removeprefix(prefix)
    name = next((name for name in names if name.upper() == folded), None)
    if name is None:
        return s.sql("lower({}) = {}", field.value, s.text(literal.translate(_ASCII_LOWER)))
    return s.sql("{} IN ({}, {})", field.value, s.text(name), s.text(prefix + name.upper()))


def _like(value: Value) -> str:
    """A LIKE pattern in which only the value's own wildcards are wild."""
    wild = {"*": "%", "?": "_"}
    return "".join(
        re.sub(r"([\\%_])", r"\\\1", part) if isinstance(part, str) else wild[part.value]
        for part in value.parts
    )


def _number(literal: str, *, units: bool) -> Decimal | None:
    """The number a literal says; with ``units`` a duration as well, in nanoseconds."""
    if _NUMBER.fullmatch(literal):
        return Decimal(literal)
    match = _AMOUNT.fullmatch(literal) if units else None
    return Decimal(match[1]) * UNITS[match[2]] if match else None


def _bound_number(number: Decimal) -> Sql:
    """An integer where it is one that 64 bits hold, so that a comparison with a UInt64 is exact."""
    if number.is_zero():
        return s.bind(0, "Int64")
    if number.adjusted() < 18 and number == number.to_integral_value():
        return s.bind(int(number), "Int64")
    return s.bind(float(number), "Float64")

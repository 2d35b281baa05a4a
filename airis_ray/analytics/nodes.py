"""The tree that a search query is parsed into, and back from the tree to a query."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal


class Wild(Enum):
    """A wildcard: any number of characters, or exactly one."""

    MANY = "*"
    ONE = "?"


Operator = Literal[">", ">=", "<", "<="]


@dataclass(frozen=True, slots=True)
class Value:
    """What is looked for: literal pieces with wildcards between them."""

    parts: tuple[str | Wild, ...]

    @classmethod
    def of(cls, literal: str) -> Value:
        """A value without wildcards."""
        return cls((literal,) if literal else ())

    @property
    def literal(self) -> str | None:
        """The text of a value without wildcards; None where there are some."""
        if any(isinstance(part, Wild) for part in self.parts):
            return None
        return "".join(part for part in self.parts if isinstance(part, str))


@dataclass(frozen=True, slots=True)
class Everything:
    """Matches every row."""


@dataclass(frozen=True, slots=True)
class Text:
    """The text of the signal (a log's body, a span's name) contains the value, in any case."""

    value: Value
    at: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Equals:
    """The field is the value; with wildcards, the whole field matches them."""

    field: str
    value: Value
    at: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Exists:
    """The row carries the field."""

    field: str
    at: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """The field is greater or less than the value."""

    field: str
    operator: Operator
    value: str
    at: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Range:
    """The field lies between two bounds, at least one of which is given; an open bound is not part of it."""

    field: str
    low: str | None
    high: str | None
    low_open: bool = False
    high_open: bool = False
    at: int = dataclasses.field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """What the node does not match."""

    node: Node


@dataclass(frozen=True, slots=True)
class And:
    """What all of two or more nodes match; none of them is an And."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """What at least one of two or more nodes matches; none of them is an Or."""

    nodes: tuple[Node, ...]


Leaf = Everything | Text | Equals | Exists | Compare | Range
Node = Leaf | Not | And | Or

KEYWORDS: Final = frozenset({"and", "or", "not", "&&", "||"})
_BARE: Final = re.compile(r'[^\s()":\\*?\[\]{}<>+\-!][^\s()":\\*?\]}]*')
_SPECIAL: Final = re.compile(r'([\s()":\\*?\[\]{}<>\-])')


def conjunction(nodes: Iterable[Node]) -> Node:
    """The And of the nodes, flat; a single node as it is, everything where there are none."""
    flat = [leaf for node in nodes for leaf in (node.nodes if isinstance(node, And) else (node,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat)) if flat else Everything()


def disjunction(nodes: Iterable[Node]) -> Node:
    """The Or of the nodes, flat; a single node as it is, everything where there are none."""
    flat = [leaf for node in nodes for leaf in (node.nodes if isinstance(node, Or) else (node,))]
    return flat[0] if len(flat) == 1 else Or(tuple(flat)) if flat else Everything()


def leaves(node: Node) -> Iterator[Leaf]:
    """Every leaf of the tree, from left to right."""
    if isinstance(node, Not):
        yield from leaves(node.node)
    elif isinstance(node, And | Or):
        for child in node.nodes:
            yield from leaves(child)
    else:
        yield node


def unparse(node: Node) -> str:
    """A query that parses to the same tree; the empty query for everything."""
    return "" if isinstance(node, Everything) else _printed(node)


def _printed(node: Node) -> str:
    if isinstance(node, Or):
        grouped = _group(node.nodes)
        return grouped or " or ".join(_operand(child) for child in node.nodes)
    if isinstance(node, And):
        return " and ".join(_operand(child) for child in node.nodes)
    if isinstance(node, Not):
        return f"not {_operand(node.node)}"
    return _leaf(node)


def _operand(node: Node) -> str:
    printed = _printed(node)
    if isinstance(node, And) or (isinstance(node, Or) and not _group(node.nodes)):
        return f"({printed})"
    return printed


def _group(nodes: tuple[Node, ...]) -> str | None:
    """``field:(a or b)`` where every node asks the same field for a value."""
    equals = [node for node in nodes if isinstance(node, Equals)]
    if len(equals) != len(nodes) or len({node.field for node in equals}) != 1:
        return None
    return f"{_name(equals[0].field)}:({' or '.join(_value(node.value) for node in equals)})"


def _leaf(node: Leaf) -> str:
    match node:
        case Everything():
            return "*"
        case Text(value):
            return _value(value)
        case Equals(name, value):
            return f"{_name(name)}:{_value(value)}"
        case Exists(name):
            return f"{_name(name)}:*"
        case Compare(name, operator, operand):
            return f"{_name(name)}:{operator}{_word(operand)}"
        case Range(name, low, high, low_open, high_open):
            first = "{" if low_open else "["
            last = "}" if high_open else "]"
            bounds = [("*" if bound is None else _word(bound)) for bound in (low, high)]
            return f"{_name(name)}:{first}{bounds[0]} TO {bounds[1]}{last}"


def _name(name: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", name)
    return f"\\{escaped}" if escaped.lower() in KEYWORDS else escaped


def _value(value: Value) -> str:
    literal = value.literal
    if literal is not None:
        return _word(literal)
    return "".join(
        part.value if isinstance(part, Wild) else _SPECIAL.sub(r"\\\1", part) for part in value.parts
    )


def _word(literal: str) -> str:
    if _BARE.fullmatch(literal) and literal.lower() not in KEYWORDS:
        return literal
    escaped = literal.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

"""By what the queries of two groups themselves tell them apart: to find that again would explain nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from airis_ray.analytics.fields import resolve
from airis_ray.analytics.nodes import And, Everything, Node, Text, leaves, unparse
from airis_ray.analytics.signals import source_of
from airis_ray.analytics.syntax import parse

_ALSO: Final[Mapping[str, tuple[str, ...]]] = {"ServiceName": ("service.name",)}
"""Attributes that a column is made of."""


def told_apart(target: str, baseline: str, signal: str) -> frozenset[str]:
    """Columns and attribute keys on which one query has a condition that the other has not.

    ``status:error`` beside ``-status:error`` is StatusCode; what both say alike, or neither says, is not told apart.
    Both are valid queries in the search syntax.
    """
    ours, theirs = (_conditions(parse(query), signal) for query in (target, baseline))
    return frozenset(name for name in ours | theirs if ours.get(name) != theirs.get(name))


def _conditions(node: Node, signal: str) -> dict[str, frozenset[str]]:
    """What a query says of each column and key: the terms, joined by "and", that name it."""
    found: dict[str, set[str]] = {}
    for term in node.nodes if isinstance(node, And) else (node,):
        for name in _names(term, signal):
            found.setdefault(name, set()).add(unparse(term))
    return {name: frozenset(terms) for name, terms in found.items()}


def _names(term: Node, signal: str) -> Iterator[str]:
    for leaf in leaves(term):
        if isinstance(leaf, Everything):
            continue
        if isinstance(leaf, Text):
            yield source_of(signal).text
            continue
        field = resolve(leaf.field, signal)
        columns = field.columns
        if columns is None:
            yield from (key for _, key in field.places)
            continue
        for column in columns:
            yield from (column, *_ALSO.get(column, ()))

"""Search queries for property tests: shreds of the syntax, and trees that print as queries."""

from __future__ import annotations

from hypothesis import strategies as st

from airis_ray.analytics.nodes import (
    Compare,
    Equals,
    Exists,
    Node,
    Not,
    Range,
    Text,
    Value,
    Wild,
    conjunction,
    disjunction,
)

SHREDS = st.lists(
    st.sampled_from(
        [
            *'()[]{}":*?\\<>=-+ ',
            "and",
            "OR",
            "not ",
            " TO ",
            "level:",
            "서버",
            "a",
            "5",
            "ms",
            "\ud800",
            "'",
            "%",
        ]
    )
    | st.characters(),
    max_size=30,
).map("".join)


_WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["and", "a b", "*", "-"]
)
_NAMES = _WORDS.filter(bool)
_LITERALS = _WORDS.map(Value.of)
_PATTERNS = st.lists(_NAMES | st.sampled_from(Wild), min_size=1, max_size=4)


def _pattern(parts: list[str | Wild]) -> Value:
    """As the parser makes it: neighbouring texts and neighbouring ``*`` are one."""
    merged: list[str | Wild] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif not (part is Wild.MANY and merged and merged[-1] is Wild.MANY):
            merged.append(part)
    return Value(tuple(merged))


_VALUES = _LITERALS | _PATTERNS.map(_pattern)
_PROPER = _VALUES.filter(lambda value: value.parts != (Wild.MANY,))
_LEAVES: st.SearchStrategy[Node] = st.one_of(
    st.builds(Text, _PROPER.filter(lambda value: bool(value.parts))),
    st.builds(Equals, _NAMES, _PROPER),
    st.builds(Exists, _NAMES),
    st.builds(Compare, _NAMES, st.sampled_from([">", ">=", "<", "<="]), _WORDS),
    st.builds(Range, _NAMES, st.none() | _WORDS, st.none() | _WORDS, st.booleans(), st.booleans()).filter(
        lambda node: node.low is not None or node.high is not None
    ),
)
TREES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=4).map(conjunction),
        st.lists(inner, min_size=2, max_size=4).map(disjunction),
    ),
    max_leaves=12,
)

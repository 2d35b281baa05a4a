"""The search syntax: a recursive-descent parser that knows where it stands.

The grammar (``docs/search-syntax.md`` tells it to people)::

    query   = [ or ]
    or      = and { ( "or" | "||" ) and }
    and     = not { [ "and" | "&&" ] not }
    not     = "not" not | "-" primary | primary
    primary = "(" or ")" | phrase | field ":" value | word
    value   = "(" or ")"  (each word a value of the field) | phrase | ">" | ">=" | "<" | "<=" operand
            | ("[" | "{") bound "TO" bound ("]" | "}") | word
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NoReturn, cast

from airis_ray.analytics.nodes import (
    Compare,
    Equals,
    Everything,
    Exists,
    Node,
    Not,
    Operator,
    Range,
    Text,
    Value,
    Wild,
    conjunction,
    disjunction,
)
from airis_ray.errors import FieldError, InvalidInput

MAX_LENGTH: Final = 5_000
"""Characters of a query: its values travel in a URL, nine bytes for a Korean syllable."""
MAX_DEPTH: Final = 40
"""Parentheses and negations inside one another; ClickHouse's own parser allows more."""
MAX_TERMS: Final = 200
"""Terms of a query: every row is tested with each, and ClickHouse takes seconds to plan 500 of them."""

_SPACE: Final = re.compile(r"\s*")
_KEYWORD: Final = re.compile(r'(and|or|not|&&|\|\|)(?=[\s()"]|$)', re.IGNORECASE)
_SIGNS: Final = {"&&": "and", "||": "or"}
_WORD: Final = re.compile(r'(?:\\.|[^\s()":\\])+', re.DOTALL)
_VALUE: Final = re.compile(r'(?:\\.|[^\s()"\\])+', re.DOTALL)
_BOUND: Final = re.compile(r'(?:\\.|[^\s"\]}\\])+', re.DOTALL)
_PHRASE: Final = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_OPERATOR: Final = re.compile(r"[<>]=?")
_TO: Final = re.compile(r"\s+to(?=\s|$)", re.IGNORECASE)
_UNBOUNDED: Final = re.compile(r"\*(?=[\s\]}])")
_PIECE: Final = re.compile(r"\\(.)|([*?])|([^\\*?]+)", re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def parse(query: str, *, pointer: str = "/query") -> Node:
    """The tree of a query; everything for an empty one.

    Raises InvalidInput at ``pointer`` that says at which character (the first is 1) what was found and what expected.
    """
    return _Parser(query, pointer).run()


def invalid(pointer: str, at: int, problem: str) -> InvalidInput:
    """The error of a query: ``at`` is the character it is about, counted from 1."""
    detail = f"at character {at}: {problem}"
    return InvalidInput(f"The query cannot be read: {detail}", errors=(FieldError(pointer, detail),))


class _Parser:
    def __init__(self, text: str, pointer: str) -> None:
        self.text = text
        self.pointer = pointer
        self.at = 0
        self.depth = 0
        self.terms = 0
        self.field: str | None = None

    def run(self) -> Node:
        if len(self.text) > MAX_LENGTH:
            self.fail(
                f"the query has {len(self.text)} characters, at most {MAX_LENGTH} are taken", MAX_LENGTH
            )
        surrogate = _SURROGATE.search(self.text)
        if surrogate:
            self.fail("found half of a surrogate pair, which is no character", surrogate.start())
        self.space()
        if self.ended():
            return Everything()
        node = self.any_of()
        if not self.ended():
            self.expected("a term or the end of the query")
        return node

    def any_of(self, where: str = "") -> Node:
        nodes = [self.all_of(where)]
        while self.keyword("or"):
            nodes.append(self.all_of('after "or"'))
        return disjunction(nodes)

    def all_of(self, where: str = "") -> Node:
        nodes = [self.negated(where)]
        while True:
            if self.keyword("and"):
                nodes.append(self.negated('after "and"'))
            elif self.ended() or self.peek() == ")" or self.next_keyword() == "or":
                return conjunction(nodes)
            else:
                nodes.append(self.negated())

    def negated(self, where: str = "") -> Node:
        if self.keyword("not"):
            return Not(self.nested(self.negated, 'after "not"'))
        if self.peek() == "-":
            self.at += 1
            if self.ended() or self.peek() == "-" or self.peek().isspace():
                self.expected('a term right after "-" (quote it to look for "-" itself)')
            return Not(self.nested(self.primary, 'after "-"'))
        return self.primary(where)

    def nested(self, rule: Callable[[str], Node], where: str) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(f"more than {MAX_DEPTH} parentheses and negations inside one another")
        node = rule(where)
        self.depth -= 1
        return node

    def primary(self, where: str = "") -> Node:
        self.space()
        if self.peek() == "(":
            return self.parentheses()
        if self.ended() or self.peek() == ")" or self.next_keyword():
            self.expected(f"a term {where}".strip())
        self.count()
        return self.term() if self.field is None else self.value(self.field)

    def parentheses(self) -> Node:
        opened = self.at + 1
        self.at += 1
        node = self.nested(self.any_of, 'after "("')
        if self.peek() != ")":
            self.expected(f'a term or ")" for the "(" at character {opened}')
        self.at += 1
        self.space()
        return node

    def term(self) -> Node:
        start = self.at
        if self.peek() == '"':
            phrase = self.phrase()
            if not phrase:
                self.fail("found an empty phrase, expected text between the quotes", start)
            self.space()
            return Text(Value.of(phrase), start + 1)
        raw = self.take(_WORD, "a term")
        if self.peek() == ":":
            self.at += 1
            return self.of_field(raw, start)
        self.space()
        value = _unescaped(raw)
        return Everything() if value.parts == (Wild.MANY,) else Text(value, start + 1)

    def of_field(self, raw: str, start: int) -> Node:
        if raw == "*" and self.text[self.at : self.at + 1] == "*":
            self.take(_VALUE, "a value")
            self.space()
            return Everything()
        name = _unescaped(raw).literal
        if name is None:
            self.fail(f"found a wildcard in the name {_shown(raw)}, expected the name of one field", start)
        if self.peek() != "(":
            return self.value(name)
        self.field = name
        node = self.parentheses()
        self.field = None
        return node

    def value(self, name: str) -> Node:
        start = self.at
        operator = _OPERATOR.match(self.text, self.at)
        if self.peek() in ("[", "{"):
            node = self.range(name)
        elif operator:
            self.at = operator.end()
            self.space()
            operand = self.operand(_VALUE, f'after "{name}:{operator[0]}"')
            node = Compare(name, cast(Operator, operator[0]), operand, start + 1)
        elif self.peek() == '"':
            node = Equals(name, Value.of(self.phrase()), start + 1)
        else:
            value = _unescaped(self.take(_VALUE, f'a value after "{name}:"'))
            exists = value.parts == (Wild.MANY,)
            node = Exists(name, start + 1) if exists else Equals(name, value, start + 1)
        self.space()
        return node

    def range(self, name: str) -> Node:
        start = self.at
        low_open = self.peek() == "{"
        self.at += 1
        self.space()
        low = self.bound(f"a lower bound or * in the range of {name}")
        to = _TO.match(self.text, self.at)
        if to is None:
            self.space()
            self.expected(
                f'"TO" in the range of {name}, as in [1 TO 5] (quote the value to look for a bracket)'
            )
        self.at = to.end()
        self.space()
        high = self.bound(f"an upper bound or * in the range of {name}")
        self.space()
        if self.peek() not in ("]", "}"):
            self.expected(f'"]" or "}}" for the "{self.text[start]}" at character {start + 1}')
        high_open = self.peek() == "}"
        self.at += 1
        if low is None and high is None:
            return Exists(name, start + 1)
        return Range(name, low, high, low_open, high_open, start + 1)

    def bound(self, what: str) -> str | None:
        if _UNBOUNDED.match(self.text, self.at):
            self.at += 1
            return None
        if self.peek() != '"' and _BOUND.match(self.text, self.at) is None:
            self.expected(what)
        return self.operand(_BOUND)

    def operand(self, pattern: re.Pattern[str], where: str = "here") -> str:
        if self.peek() == '"':
            return self.phrase()
        start = self.at
        literal = _unescaped(self.take(pattern, f"a value {where}")).literal
        if literal is None:
            self.fail(f"found a wildcard, expected a plain value {where} (quote it if it is meant)", start)
        return literal

    def phrase(self) -> str:
        match = _PHRASE.match(self.text, self.at)
        if match is None:
            self.fail('found a quote that is never closed, expected another "')
        self.at = match.end()
        return re.sub(r'\\(["\\])', r"\1", match[1])

    def take(self, pattern: re.Pattern[str], what: str) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            self.expected(what)
        self.at = match.end()
        return match[0]

    def keyword(self, word: str) -> bool:
        self.space()
        if self.next_keyword() != word:
            return False
        self.at += 2 if self.text[self.at] in "&|" else len(word)
        self.space()
        return True

    def next_keyword(self) -> str | None:
        match = _KEYWORD.match(self.text, self.at)
        found = match[1].lower() if match else None
        return _SIGNS.get(found, found) if found else None

    def count(self) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:
            self.fail(f"more than {MAX_TERMS} terms")

    def space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def ended(self) -> bool:
        return self.at >= len(self.text)

    def expected(self, what: str) -> NoReturn:
        if self.ended():
            found = "the end of the query"
        elif self.peek() == "\\":
            found = "a backslash with nothing after it"
        else:
            word = _VALUE.match(self.text, self.at)
            found = _shown(word[0] if word else self.peek())
        self.fail(f"found {found}, expected {what}")

    def fail(self, problem: str, at: int | None = None) -> NoReturn:
        raise invalid(self.pointer, (self.at if at is None else at) + 1, problem)


def _unescaped(raw: str) -> Value:
    """The value of a word: wildcards found, escapes resolved, neighbours joined."""
    parts: list[str | Wild] = []
    for escaped, wild, plain in _PIECE.findall(raw):
        if wild:
            if wild == "?" or not parts or parts[-1] is not Wild.MANY:
                parts.append(Wild(wild))
        elif parts and isinstance(parts[-1], str):
            parts[-1] += escaped or plain
        else:
            parts.append(escaped or plain)
    return Value(tuple(parts))


def _shown(found: str) -> str:
    return f'"{found}"' if len(found) <= 40 else f'"{found[:37]}..."'

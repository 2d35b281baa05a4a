"""ClickHouse SQL cut into tokens: just enough to know what a statement is and which names it uses.

The scanner is stricter than ClickHouse's own: whatever the two might read differently (curly quotes, ``#``
comments, here-documents, escapes in quoted names, hexadecimal strings) is refused, so that a checked statement means
to the server what it meant to the check.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from airis_ray.errors import InvalidInput


class Kind(Enum):
    """What a token is."""

    WORD = "word"  # a bare name or a keyword
    NAME = "name"  # a name in back-ticks or double quotes
    STRING = "string"
    NUMBER = "number"
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Token:
    """``text`` is what the token means (a quoted name without quotes), ``start`` and ``end`` its place."""

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def is_identifier(self) -> bool:
        """Whether it can name a table, a column or a function."""
        return self.kind is Kind.WORD or self.kind is Kind.NAME

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords (given in upper case)."""
        return self.kind is Kind.WORD and self.text.upper() in words

    def is_sign(self, *signs: str) -> bool:
        """Whether it is one of these signs."""
        return self.kind is Kind.SIGN and self.text in signs


_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\n\r\f\v]+ | --[^\n]* | /\*.*?\*/)
  | (?P<string>'(?:[^'\\]|\\.|'')*')
  | (?P<name>`(?:[^`\\]|``)*` | "(?:[^"\\]|"")*")
  | (?P<number>(?:0[xX][0-9a-fA-F]+ | 0[bB][01]+ | [0-9][0-9_]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)(?!\w))
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)(?!['$])
  | (?P<sign>:: | -> | [-()\[\]{}.,;:?+*/%=<>!|^&~])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)


def scan(sql: str) -> Iterator[Token]:
    """Yield the tokens of ``sql`` without white space and comments.

    Lazy, so that the data behind ``INSERT … FORMAT x`` is not touched by those who stop before it.
    Raises InvalidInput at the first character that begins no token.
    """
    position = 0
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        if match is None:
            raise InvalidInput(
                f"cannot read the SQL at position {position}: {sql[position : position + 20]!r}"
            )
        if match.lastgroup != "space":
            kind = Kind(match.lastgroup)
            yield Token(kind, _meaning(kind, match[0]), position, match.end())
        position = match.end()


def _meaning(kind: Kind, text: str) -> str:
    if kind is not Kind.NAME:
        return text
    quote = text[0]
    return text[1:-1].replace(quote * 2, quote)

"""A question as pieces: words, numbers, quoted phrases, paths, signs; where each begins and ends."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Piece(StrEnum):
    """What a piece looks like."""

    QUOTED = "quoted"
    TRACE = "trace"
    PATH = "path"
    MOMENT = "moment"
    CLASS = "class"
    VERSION = "version"
    NUMBER = "number"
    CLOCK = "clock"
    WORD = "word"
    HANGUL = "hangul"
    SIGN = "sign"


@dataclass(frozen=True)
class Token:
    """A piece of the question. ``key`` is what it is looked up by, ``glued`` says that no space is before it."""

    kind: Piece
    text: str
    key: str
    start: int
    end: int
    glued: bool


MAX_QUESTION: Final = 1000
"""Characters of a question."""

_SCAN: Final = re.compile(
    r"""
    (?P<quoted>"[^"]+"|“[^”]+”|‘[^’]+’|「[^」]+」|『[^』]+』|`[^`]+`|(?<![A-Za-z0-9])'[^']+')
  | (?P<trace>(?<![0-9A-Za-z])[0-9a-fA-F]{32}(?![0-9A-Za-z]))
  | (?P<moment>\d{4}-\d{1,2}-\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?)
  | (?P<path>(?<![0-9A-Za-z가-힣])/(?:[A-Za-z{][A-Za-z0-9_{}.\-]*(?:/[A-Za-z0-9_{}.\-]+)*)?(?![0-9]))
  | (?P<class>(?<![0-9A-Za-z])[1-5][xX]{2}(?![A-Za-z]))
  | (?P<version>(?<![0-9A-Za-z.])v?\d+\.\d+\.\d+(?:[-.][A-Za-z0-9_]+)*|(?<![0-9A-Za-z.])v\d+\.\d+)
  | (?P<clock>(?<!\d)\d{1,2}:\d{2}(?::\d{2})?(?!\d))
  | (?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)
  | (?P<word>w/(?=\s)|non(?=-\w)|top(?=\d)|[A-Za-z]\+\+|\.net
      |[A-Za-z][A-Za-z0-9_]*(?:[.\-_/][A-Za-z0-9_{}]+)*(?:'[A-Za-z]+)?)
  | (?P<hangul>[가-힣]+)
  | (?P<sign>>=|<=|≥|≤|==|[<>=~–—〜～%+/-]|[^\s])
    """,
    re.VERBOSE,
)


def scan(question: str) -> list[Token]:
    """The pieces of a question (in Unicode's form NFKC, in which full-width letters are the plain ones)."""
    text = unicodedata.normalize("NFKC", question)
    found: list[Token] = []
    end = -1
    for match in _SCAN.finditer(text):
        kind = Piece(str(match.lastgroup))
        found.append(
            Token(kind, match[0], _key(kind, match[0]), match.start(), match.end(), match.start() == end)
        )
        end = match.end()
    return found


def _key(kind: Piece, text: str) -> str:
    if kind is Piece.QUOTED:
        return text[1:-1].strip()
    if kind is Piece.NUMBER:
        return text.replace(",", "")
    if kind is Piece.WORD:
        return (
            re.sub(r"'(?:s|m|re|ve|ll|d)$", "", text.lower())
            if text.lower() not in _CONTRACTIONS
            else text.lower()
        )
    if kind is Piece.PATH:
        return text
    return text.lower()


_CONTRACTIONS: Final = frozenset(
    {"what's", "how's", "let's", "where's", "who's", "that's", "it's", "there's", "isn't"}
)

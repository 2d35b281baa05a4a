"""Which expressions the data of ``INSERT … VALUES`` may hold: a few functions of time and conversion.

The engine evaluates what stands in VALUES with the rights of the process, so ``VALUES (file('/etc/passwd'))`` would be
read. It is told to evaluate only where every token of the data is known here; everything else stays plain literals.
"""

from __future__ import annotations

import re

from airis_ray.errors import InvalidInput
from airis_ray.store.lexer import Kind, Token, scan

MOST_BYTES = 64 << 10
"""Of data with expressions: whoever sends more rows sends them as literals."""

_FUNCTION = re.compile(
    r"now(64)?|today|yesterday|utctimestamp|map|array|tuple"
    r"|to(date(32)?|datetime(64)?|uuid|string|bool|u?int(8|16|32|64)|float(32|64)|unixtimestamp(64\w+)?)"
    r"|tointerval\w+|tostartof\w+|fromunixtimestamp(64\w+)?|parsedatetime(64)?besteffort"
    r"|(add|subtract)(nanoseconds|microseconds|milliseconds|seconds|minutes|hours|days|weeks|months|years)"
)
_LITERALS = ("NULL", "TRUE", "FALSE", "NAN", "INF", "DEFAULT", "INTERVAL")
_UNITS = tuple(
    f"{unit}{s}" for unit in ("SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH") for s in ("", "S")
)
_SIGNS = ("(", ")", "[", "]", "{", "}", ",", ":", "+", "-", "*", "/")
_STRING = re.compile(
    r"'(?:[^'\\]|\\[\\'nrt])*'"
)  # no \x27 and no '': nothing that two readers end differently
_END = Token(Kind.SIGN, "", -1, -1)


def may_be_evaluated(data: bytes) -> bool:
    """Whether all of ``data`` are literals, the functions named here and arithmetic; False for what is in doubt."""
    try:
        text = data.decode()
        tokens = list(scan(text))
    except (UnicodeDecodeError, InvalidInput):
        return False
    ends = [0, *(token.end for token in tokens)]
    gaps = (text[end : token.start] for end, token in zip(ends, tokens, strict=False))
    if any(gap.strip() for gap in gaps) or text[ends[-1] :].strip():
        return False  # a comment
    return all(_is_known(*pair) for pair in zip(tokens, [*tokens[1:], _END], strict=True))


def _is_known(token: Token, following: Token) -> bool:
    if token.kind is Kind.WORD:
        is_call = following.is_sign("(") and _FUNCTION.fullmatch(token.text.lower()) is not None
        return is_call or (not following.is_sign("(") and token.is_word(*_LITERALS, *_UNITS))
    if token.kind is Kind.STRING:
        return _STRING.fullmatch(token.text) is not None
    return token.kind is Kind.NUMBER or token.is_sign(*_SIGNS)

"""What must not be kept wherever it stands in a text: e-mail addresses, card numbers, resident-registration numbers.

* An e-mail address: a local part, ``@``, a domain with a dot.
* A card number: 12 to 19 digits, the first of them 2 to 6 (ISO/IEC 7812 major industries of banking and travel), in
  groups by single blanks or hyphens, with a right check digit by Luhn (ISO/IEC 7812-1, annex B).
* A Korean resident-registration number: a date, a digit for sex and century, six more. Written with a hyphen its date
  is enough: numbers given since October 2020 have no check digit. Thirteen digits in a row need the check digit that
  earlier ones have, or every other number of that length would go.

Digits behind a digit and a point are a fraction, and none of these. What is found is replaced by as many asterisks, so
that a page keeps its measures.
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Sequence
from typing import Any, Final

import re2


def latin1() -> Any:
    """RE2's options for bytes: one character each."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return options


_EMAIL: Final = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"
)
_DATE: Final = r"(?<![0-9])(?<![0-9]\.)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_HYPHEN: Final = " ?[-\u2010-\u2015\u2212] ?"
_NUMBER: Final = re.compile(
    rf"(?P<rrn>{_DATE}(?P<hyphen>{_HYPHEN})?[0-9]{{7}}(?![0-9]))"
    r"|(?<![0-9])(?<![0-9]\.)[2-6](?:[ -]?[0-9]){11,18}(?![0-9])"
)

_SEPARATOR: Final = re.compile(r"[ -]")

SUSPECT: Final = re2.compile(
    rb"@[A-Za-z0-9-]+\.[A-Za-z0-9-]|(?:^|[^0-9.]|(?:^|[^0-9])\.)(?:[2-6](?:[ -]?[0-9]){11}|[0-9]{2}(?:0[1-9]|1[0-2])"
    rb"(?:0[1-9]|[12][0-9]|3[01])(?: ?(?:-|\xe2\x80[\x90-\x95]|\xe2\x88\x92) ?)?[0-9]{7}(?:[^0-9]|$))",
    latin1(),
)
"""RE2 looks through 600 MB/s a core for it, Python's own module through 33."""
_LONG: Final = 200
_WEIGHTS: Final = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def registration(digits: str) -> bool:
    """Whether the last of thirteen digits checks the others, as in numbers given before October 2020."""
    total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=False))
    return (11 - total % 11) % 10 == int(digits[12])


def _masked_number(found: re.Match[str]) -> str:
    text = found[0]
    digits = "".join(filter(str.isdigit, text))
    number = found["rrn"] and (found["hyphen"] or registration(digits))
    return "*" * len(text) if number or _holds_card(_SEPARATOR.split(text)) else text


def _holds_card(groups: Sequence[str]) -> bool:
    """Whether some groups of digits in a row are a card number: more digits may stand before or behind it."""
    for start, group in enumerate(groups):
        if group[:1] not in ("2", "3", "4", "5", "6"):
            continue
        digits = ""
        for each in groups[start:]:
            digits += each
            if 12 <= len(digits) <= 19 and luhn(digits):
                return True
    return False


def masked(text: str, patterns: Sequence[Any] = ()) -> str:
    """``text`` with what must not be kept, and all that ``patterns`` match, as asterisks of the same length."""
    if len(text) > _LONG and not patterns and not suspicious(text.encode(errors="replace")):
        return text
    if "@" in text:
        text = _EMAIL.sub(starred, text)
    if len(text) >= 12:
        text = _NUMBER.sub(_masked_number, text)
    for pattern in patterns:
        text = pattern.sub(starred, text)
    return text


def starred(found: Any) -> str:
    """As many asterisks as the match has characters."""
    return "*" * len(found[0])


def suspicious(data: bytes) -> bool:
    """Whether JSON as orjson writes it (no escapes but for quotes, backslashes and control characters) may hold
    something that :func:`masked` would change. False is certain; true costs a closer look."""
    return SUSPECT.search(data) is not None


def matching(pattern: Any, texts: Sequence[bytes]) -> list[int]:
    """The places of the texts in which a pattern of RE2 is found: one pass over all, for a call takes some 20 µs."""
    ends = list(itertools.accumulate(len(text) + 1 for text in texts))
    # A match may take the line breaks around its text in.
    found = (bisect.bisect_right(ends, match.end() - 2) for match in pattern.finditer(b"\n".join(texts)))
    return list(dict.fromkeys(found))

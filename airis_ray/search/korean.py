"""Hangul: letters, sound and the distance between words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_FIRST: Final = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_MIDDLE: Final = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_LAST: Final = ["", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"]
_BASE: Final = 0xAC00
_SYLLABLES: Final = 11172
HANGUL: Final = re.compile("[가-힣]")

_SOUND_FIRST: Final = (
    "k",
    "k",
    "n",
    "t",
    "t",
    "r",
    "m",
    "p",
    "p",
    "s",
    "s",
    "",
    "c",
    "c",
    "c",
    "k",
    "t",
    "p",
    "h",
)
_SOUND_LAST: Final = {
    "ㄱ": "k", "ㄲ": "k", "ㄴ": "n", "ㄷ": "t", "ㄹ": "r", "ㅁ": "m", "ㅂ": "p", "ㅅ": "t", "ㅆ": "t", "ㅇ": "n",
    "ㅈ": "t", "ㅊ": "t", "ㅋ": "k", "ㅌ": "t", "ㅍ": "p", "ㅎ": "",
}  # fmt: skip
_ENGLISH: Final = (
    (r"tion|sion", "sn"), (r"ture", "c"), (r"ck|q|x(?=$)", "k"), (r"ph", "p"), (r"sh|sch", "s"), (r"ch", "c"),
    (r"th", "s"),
    (r"c(?=[eiy])", "s"), (r"c", "k"), (r"g(?=[ei])", "c"), (r"g", "k"), (r"j|z", "c"), (r"d", "t"), (r"b|f|v", "p"),
    (r"l", "r"), (r"x", "ks"), (r"(?<=[aeiou])r(?![aeiou])", ""), (r"[aeiouyw]", ""), (r"h", "h"), (r"ng", "n"),
)  # fmt: skip


@lru_cache(4096)
def letters(text: str) -> str:
    """A word's letters one by one: 한 is ㅎㅏㄴ."""
    found: list[str] = []
    for char in text:
        number = ord(char) - _BASE
        if 0 <= number < _SYLLABLES:
            found += (_FIRST[number // 588], _MIDDLE[number % 588 // 28], _LAST[number % 28])
        else:
            found.append(char)
    return "".join(found)


_ALIKE: Final = str.maketrans("ㅐㅒㅙㅞ", "ㅔㅖㅚㅚ")
"""Vowels that sound alike and are taken for each other in writing."""


def vowels(text: str) -> str:
    """A word's letters without the difference that nobody hears: 결재 and 결제 are the same."""
    return letters(text).translate(_ALIKE)


@lru_cache(4096)
def sound(text: str) -> str:
    """The consonants a Korean speaker hears in a Hangul or an English word: 체크아웃 and checkout are both ``ckt``."""
    if HANGUL.search(text):
        return _squeezed(_sound_of_hangul(text))
    heard = re.sub("[^a-z]", "", text.lower())
    for (
        pattern,
        replacement,
    ) in _ENGLISH:  # what was heard is in capitals, so that no later rule hears it again
        heard = re.sub(pattern, replacement.upper(), heard)
    return _squeezed(heard.lower())


def _sound_of_hangul(text: str) -> str:
    heard: list[str] = []
    for char in text:
        number = ord(char) - _BASE
        if 0 <= number < _SYLLABLES:
            heard.append(_SOUND_FIRST[number // 588])
            heard.append(_SOUND_LAST.get(_LAST[number % 28], ""))
    return "".join(heard)


def _squeezed(heard: str) -> str:
    return re.sub(r"(.)\1+", r"\1", heard)


def distance(left: str, right: str, limit: int) -> int:
    """The edit distance (a swap of neighbours counts one), ``limit + 1`` where it is more than ``limit``."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    last = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        before, last = last, row
    return last[-1]


def is_korean(text: str) -> bool:
    """Whether a question is in Korean: it has Hangul outside of quotes."""
    return HANGUL.search(re.sub(r"\"[^\"]*\"|'[^']*'|“[^”]*”|‘[^’]*’", "", text)) is not None

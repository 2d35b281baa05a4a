"""Labels of a stream as text: ``{app="shop", path="C:\\\\x"}``."""

from __future__ import annotations

import re
from typing import Final

from airis_ray.errors import InvalidInput

_LABEL: Final = re.compile(r'\s*([A-Za-z_][\w.]*)\s*=\s*("(?:[^"\\]|\\.)*"|`[^`]*`)\s*(,|$)', re.DOTALL)
_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL
)
_NAMED: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def parse_labels(text: str) -> dict[str, str]:
    """The labels by name; raises InvalidInput with the position where the text is no set of labels."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start or text[:start].strip() or text[end + 1 :].strip():
        raise InvalidInput(f'labels are written {{name="value", …}}; got {text[:80]!r}')
    labels: dict[str, str] = {}
    position = start + 1
    while position < end and text[position:end].strip():
        match = _LABEL.match(text, position, end)
        if match is None:
            raise InvalidInput(f'labels: expected name="value" at character {position} of {text[:80]!r}')
        quoted = match[2]
        labels[match[1]] = quoted[1:-1] if quoted[0] == "`" else _unescaped(quoted[1:-1])
        position = match.end()
    return labels


def _unescaped(text: str) -> str:
    """A string as Go quotes it."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code is not None or match[4] is not None:
        number = int(code, 16) if code is not None else int(match[4], 8)
        return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "�"
    return _NAMED.get(match[5], match[5])

"""What is compared: attributes, the codes that rows have in them, and the claims that can be made of codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
Counts = NDArray[np.int64]
Place = tuple[int, int]
"""The source of an attribute (its number) and the hash of its key there: how ClickHouse knows it."""


@dataclass(frozen=True)
class Attribute:
    """An attribute as rows are coded in it.

    Code 0 is "absent"; the codes from 1 on are ``labels`` (of a numeric attribute: the stretches between ``cuts``,
    the first below the first cut); the last code, ``len(labels) + 1``, is any other value. ``tested`` is how many
    values could turn out significant, listed or not. ``hashes`` are the labels' in ClickHouse, none if numeric. Without
    labels only its presence is compared. ``name`` is the key in its map, ``key`` what a query calls it; ``values`` is
    how many different ones were seen.
    """

    key: str
    kind: Literal["categorical", "numeric"]
    labels: tuple[str, ...]
    tested: int
    cuts: tuple[float, ...] = ()
    place: Place = (0, 0)
    hashes: tuple[int, ...] = ()
    name: str = ""
    values: int = 0

    @property
    def codes(self) -> int:
        """How many codes there are."""
        return len(self.labels) + 2


@dataclass(frozen=True)
class Claim:
    """Something that is true of a row or not: that its code is one of ``mask``.

    ``value`` is None for "absent"; ``query`` says the same in the search syntax.
    """

    attribute: int
    value: str | None
    query: str
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class Sides:
    """How many rows have each code: of the target, of the baseline without the target's rows, and of both."""

    target: Counts
    rest: Counts
    both: Counts

    @classmethod
    def of(cls, codes: Codes, target: NDArray[np.bool_], baseline: NDArray[np.bool_], size: int) -> Sides:
        """Counted from the codes of rows."""
        return cls(
            *(
                np.bincount(codes[rows], minlength=size).astype(np.int64)
                for rows in (target, baseline & ~target, baseline & target)
            )
        )


def claims_of(attribute: Attribute, at: int) -> list[Claim]:
    """Every claim about one attribute, ``at`` its number: each value and absence; each side of each cut."""
    absent = np.arange(attribute.codes) == 0
    found = [Claim(at, None, f"-{named(attribute.key)}:*", absent)]
    codes = np.arange(attribute.codes)
    if attribute.kind == "categorical":
        found += [
            Claim(at, label, f"{named(attribute.key)}:{quoted(label)}", codes == code)
            for code, label in enumerate(attribute.labels, 1)
        ]
        if not attribute.labels:
            found.append(Claim(at, "*", f"{named(attribute.key)}:*", ~absent))
        return found
    last = len(attribute.labels)
    for code, cut in enumerate(attribute.cuts, 1):
        number = plain(cut)
        found.append(
            Claim(at, f"≥ {number}", f"{named(attribute.key)}:>={number}", (codes > code) & (codes <= last))
        )
        found.append(
            Claim(at, f"< {number}", f"{named(attribute.key)}:<{number}", (codes > 0) & (codes <= code))
        )
    return found


def stacked(claims: Sequence[Claim], counts: Counts) -> NDArray[np.float64]:
    """How many rows meet each of one attribute's claims."""
    return np.array([claim.mask for claim in claims], np.float64) @ counts


def plain(number: float) -> str:
    """A number as the search syntax reads it: no more digits than it has."""
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(float(number))


def named(key: str) -> str:
    """A field's name in the search syntax."""
    escaped = "".join(f"\\{each}" if each in '\\*?":()' or each.isspace() else each for each in key)
    return f"\\{escaped}" if escaped[:1] in ("-", "[", "{") else escaped


def quoted(value: str) -> str:
    """A value in the search syntax, equal to itself whatever is in it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

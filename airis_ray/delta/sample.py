"""From a sample of rows to attributes and the rows' codes in them.

Which attributes there are, which of them are numbers, where their cuts lie, which values are worth counting and which
are ids: all that is decided here, on the sample's rows; the counts come from all rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from airis_ray.delta.attributes import Attribute, Codes, Place
from airis_ray.delta.exact import least_rows
from airis_ray.delta.ranking import LEVEL

_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_NUMERIC_SHARE: Final = 0.95
_NUMERIC_VALUES: Final = 12
"""A number with at most so many values is a code (200, 404) and compared value by value."""
_CUTS: Final = tuple(np.array([1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99]) / 100)
"""Quantiles at which numbers are cut: closer together at the ends, where a small cause shows."""
_LISTED: Final = 64
"""Values of an attribute that are counted one by one; the others are "another value"."""
_UNIQUE: Final = 0.5
"""Values per row from which on an attribute is near-unique."""
_FREQUENT: Final = 0.01
"""A value that this part of one side has is worth counting, however many others there are."""
_ATTRIBUTES: Final = 400
"""Attributes that are compared at most, those that most rows carry first."""
_ID: Final = re.compile(r"(?:^|[._-])(?:id|uuid|guid)$|[a-z](?:Id|ID|Uuid|UUID)$|_id_|hash$")
_QUANTILES: Final = (5, 25, 50, 75, 95, 99)


@dataclass(frozen=True)
class LeftOut:
    """An attribute that is not compared, and why."""

    key: str
    reason: str


@dataclass(frozen=True)
class Sample:
    """The sample: for every attribute the codes of its rows; which of these are of which side.

    ``quantiles`` holds, of numeric attributes by number, those of the target and of the rest.
    """

    attributes: Sequence[Attribute]
    codes: Sequence[Codes]
    target: NDArray[np.bool_]
    baseline: NDArray[np.bool_]
    left_out: Sequence[LeftOut] = ()
    quantiles: Mapping[int, tuple[dict[str, float], dict[str, float]]] = field(default_factory=dict)

    @property
    def rest(self) -> NDArray[np.bool_]:
        """The baseline's rows that are not the target's as well."""
        return self.baseline & ~self.target


@dataclass(frozen=True)
class Values:
    """One key's values: the rows that carry it, each row's value (an index into ``names``), the values' hashes."""

    place: Place
    key: str
    rows: NDArray[np.int64]
    values: NDArray[np.int32]
    names: list[str]
    hashes: NDArray[np.uint64]


def entries(table: pa.Table, source: int) -> Iterator[Values]:
    """The keys of one source: of its columns ``k, v, e, q`` (keys, values, hashes of the entries and of the keys)."""
    keys, values, hashes, places = (
        table.column(f"{name}{source}").combine_chunks() for name in ("k", "v", "e", "q")
    )
    lengths = pc.list_value_length(keys).to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(table.num_rows), lengths)
    names = keys.flatten().dictionary_encode()
    texts = values.flatten()
    marks = hashes.flatten().to_numpy(zero_copy_only=False)
    sites = places.flatten().to_numpy(zero_copy_only=False)
    present = pc.not_equal(texts, "").to_numpy(zero_copy_only=False)
    order = np.argsort(names.indices.to_numpy(), kind="stable")
    order = order[present[order]]
    indices = names.indices.to_numpy()[order]
    starts = np.flatnonzero(np.diff(indices, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(order)][: len(starts)], strict=True):
        chosen = order[start:end]
        coded = texts.take(pa.array(chosen)).dictionary_encode()
        each = coded.indices.to_numpy().astype(np.int32)
        _, first = np.unique(each, return_index=True)
        yield Values(
            (source, int(sites[chosen[0]])),
            names.dictionary[int(indices[start])].as_py(),
            rows[chosen],
            each,
            coded.dictionary.to_pylist(),
            marks[chosen][first],
        )


class Sampler:
    """Makes attributes of keys, one after the other; ``named`` says what a place is called in a query."""

    def __init__(self, target: NDArray[np.bool_], baseline: NDArray[np.bool_]) -> None:
        self.target, self.baseline = target, baseline
        self.rest = baseline & ~target
        self.sizes = (max(1, int(target.sum())), max(1, int(self.rest.sum())))
        self.least = least_rows(self.sizes[0], self.sizes[1], LEVEL)
        self.found: list[tuple[Attribute, Codes]] = []
        self.left_out: list[LeftOut] = []
        self.quantiles: dict[int, tuple[dict[str, float], dict[str, float]]] = {}

    def add(self, values: Values, key: str) -> None:
        """Code the rows in one key's values, unless all are alike or it is an id."""
        if len(values.names) == 1 and len(values.rows) == len(self.target):
            return
        numbers = self._numbers(values)
        if numbers is not None:
            self._numeric(values, key, numbers)
        else:
            self._categorical(values, key)

    def sample(self) -> Sample:
        """What was found."""
        order = sorted(range(len(self.found)), key=lambda at: int((self.found[at][1] == 0).sum()))
        chosen = sorted(order[:_ATTRIBUTES])
        dropped = [
            LeftOut(self.found[at][0].key, "rare: more attributes than are compared")
            for at in order[_ATTRIBUTES:]
        ]
        return Sample(
            [self.found[at][0] for at in chosen],
            [self.found[at][1] for at in chosen],
            self.target,
            self.baseline,
            [*self.left_out, *dropped],
            {new: self.quantiles[old] for new, old in enumerate(chosen) if old in self.quantiles},
        )

    def _numbers(self, values: Values) -> NDArray[np.float64] | None:
        """The values as numbers (NaN where one is none); None where the attribute is not numeric."""
        if len(values.names) <= _NUMERIC_VALUES or _ID.search(values.key):
            return None
        parsed = np.array([float(name) if _NUMBER.fullmatch(name) else np.nan for name in values.names])
        parsed[~np.isfinite(parsed)] = np.nan
        return parsed if np.mean(~np.isnan(parsed[values.values])) >= _NUMERIC_SHARE else None

    def _numeric(self, values: Values, key: str, parsed: NDArray[np.float64]) -> None:
        numbers = parsed[values.values]
        valid = ~np.isnan(numbers)
        cuts = self._cuts(values.rows[valid], numbers[valid])
        codes = np.zeros(len(self.target), np.int32)
        codes[values.rows] = np.where(valid, np.searchsorted(cuts, numbers, side="right") + 1, len(cuts) + 2)
        labels = tuple(str(at) for at in range(len(cuts) + 1))
        attribute = Attribute(
            key, "numeric", labels, len(cuts), tuple(map(float, cuts)), values.place, (), values.key
        )
        self.quantiles[len(self.found)] = tuple(  # type: ignore[assignment] # two of them
            _quantiles(numbers[valid & side[values.rows]]) for side in (self.target, self.rest)
        )
        self.found.append((attribute, codes))

    def _cuts(self, rows: NDArray[np.int64], numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantiles of both sides, each counting alike whatever its size; and of each, so that both tails are cut."""
        weights = self.target[rows] / self.sizes[0] + self.rest[rows] / self.sizes[1]
        order = np.argsort(numbers, kind="stable")
        running = np.cumsum(weights[order])
        if not running.size or running[-1] <= 0:
            return np.array([])
        at = np.searchsorted(running, np.array(_CUTS) * running[-1])
        cuts = np.unique(numbers[order][np.minimum(at, len(order) - 1)])
        return np.asarray(cuts[cuts > numbers.min()])

    def _categorical(self, values: Values, key: str) -> None:
        counts = [
            np.bincount(values.values[side[values.rows]], minlength=len(values.names))
            for side in (self.target, self.rest)
        ]
        shares = [count / size for count, size in zip(counts, self.sizes, strict=True)]
        pooled = counts[0] + counts[1]
        highest = np.maximum(*shares)
        frequent = (highest >= _FREQUENT) & (pooled >= max(self.least, 2))
        carried = max(1, len(values.rows))
        if len(values.names) > _UNIQUE * carried and not (frequent.any() and carried > 20):
            self.left_out.append(LeftOut(key, f"near-unique: {len(values.names)} values in {carried} rows"))
            self._presence(values, key)
            return
        spread = np.abs(shares[0] - shares[1]) / np.sqrt(shares[0] + shares[1] + 1e-12)
        order = (
            np.lexsort((-highest, -spread))
            if len(values.names) > _LISTED
            else np.argsort(-pooled, kind="stable")
        )
        listed = order[:_LISTED]
        translate = np.full(len(values.names), len(listed) + 1, np.int32)
        translate[listed] = np.arange(1, len(listed) + 1)
        codes = np.zeros(len(self.target), np.int32)
        codes[values.rows] = translate[values.values]
        attribute = Attribute(
            key,
            "categorical",
            tuple(values.names[at] for at in listed),
            max(1, int((pooled >= self.least).sum())),
            (),
            values.place,
            tuple(int(values.hashes[at]) for at in listed),
            values.key,
            len(values.names),
        )
        self.found.append((attribute, codes))

    def _presence(self, values: Values, key: str) -> None:
        """Of an id, whether it is there."""
        if len(values.rows) == len(self.target):
            return
        codes = np.zeros(len(self.target), np.int32)
        codes[values.rows] = 1
        self.found.append((Attribute(key, "categorical", (), 1, (), values.place, (), values.key), codes))


def _quantiles(numbers: NDArray[np.float64]) -> dict[str, float]:
    if not numbers.size:
        return {}
    found: Any = np.percentile(numbers, _QUANTILES)
    return {f"p{at}": float(value) for at, value in zip(_QUANTILES, found, strict=True)}

"""A cube of a measure: its dimensions, and for each combination of all their values what was expected and what came."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from airis_ray.errors import InvalidInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAX_DIMENSIONS: Final = 8
"""More make more cuboids (2 to that power) than can be looked through."""


@dataclass(frozen=True)
class Cuboid:
    """Some of a cube's dimensions: for each leaf the number of its group, and how many groups there are."""

    dimensions: tuple[int, ...]
    groups: Ints
    size: int


@dataclass(frozen=True)
class Cause:
    """A combination of values that a change goes with, the dimensions it does not name left open.

    ``gain`` says how strongly the leaves speak for it (a log likelihood ratio, or a divergence); ``expected`` and
    ``actual`` are the measure's sums over its leaves.
    """

    combination: Mapping[str, str]
    gain: float
    expected: float
    actual: float


class Cube:
    """The leaves of a cube, coded.

    ``values`` holds a sequence per dimension, all of one length: a leaf is a position. The same leaf twice is an error.
    """

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        if not 1 <= len(values) <= MAX_DIMENSIONS:
            raise InvalidInput(f"a cube has 1 to {MAX_DIMENSIONS} dimensions, got {len(values)}")
        self.dimensions = tuple(values)
        coded = [pa.array(column, pa.string()).dictionary_encode() for column in values.values()]
        self._names: list[list[str]] = [each.dictionary.to_pylist() for each in coded]
        codes = [each.indices.to_numpy().astype(np.int64) for each in coded]
        self._codes = np.stack(codes)
        self.leaves = self._codes.shape[1]
        if len(np.unique(self._grouped(tuple(range(len(codes)))).groups)) != self.leaves:
            raise InvalidInput("a cube has each combination of values once; these have some twice")

    def cuboids(self, leaves: NDArray[np.bool_] | None = None) -> Iterator[Cuboid]:
        """Every set of dimensions, the smallest first; of some leaves only, where these are given."""
        codes = self._codes if leaves is None else self._codes[:, leaves]
        for count in range(1, len(self.dimensions) + 1):
            for chosen in itertools.combinations(range(len(self.dimensions)), count):
                yield self._grouped(chosen, codes)

    def combination(self, cuboid: Cuboid, leaf: int) -> dict[str, str]:
        """The values that a leaf (by its number in the whole cube) has in a cuboid's dimensions."""
        return {self.dimensions[at]: self._names[at][self._codes[at, leaf]] for at in cuboid.dimensions}

    def _grouped(self, chosen: tuple[int, ...], codes: Ints | None = None) -> Cuboid:
        """Groups are numbered from 0 on; some numbers may be nobody's."""
        codes = self._codes if codes is None else codes
        groups = np.zeros(codes.shape[1], np.int64)
        size = 1
        for at in chosen:
            groups = groups * len(self._names[at]) + codes[at]
            size *= len(self._names[at])
            if size > max(1024, 4 * codes.shape[1]):  # most of the groups are empty: number the others anew
                found, groups = np.unique(groups, return_inverse=True)
                size = len(found)
        return Cuboid(chosen, groups, size)

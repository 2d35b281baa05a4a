"""Which rows a comparison is planned with: the cells that the rows lie in, and a stable sample out of few of them.

Reading a map costs the same for one row of a granule as for all 8192, so rows drawn one by one would read everything.
A cell is a stretch of time of one service and span name, which lies together on disk. Cells are drawn with
probabilities proportional to the rows of a side that they hold, systematically, and of each the same number of rows:
every row of a side is as likely as any other to be in the sample (Cochran 1977, 11.9), and a cell with a burst of the
target's rows is in it for certain. The same rows are drawn each time, whatever order they are read in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from airis_ray.analytics.sql import Sql, join, quote_identifier, sql, text
from airis_ray.delta.statements import Compared, columns_of, key_hash

SAMPLE_ROWS: Final = 10_000
"""Rows of each side that decide what is worth counting; smaller sides are taken whole."""
_SCATTERED: Final = 2_000_000
"""Rows of both sides up to which the sample's are drawn one by one."""
_CLUSTERS: Final = (96, 48)
"""Draws of cells for the target and for the rest: what 2 % of the target have in common is likely in one."""
_NAMED: Final = 1000
"""Cells that a statement names at most; ClickHouse reads no longer ones."""
_GROUPS: Final = 1024
_BUCKETS: Final = 64
_CHANCES: Final = 1 << 20
_ROW_HASH: Final[Mapping[str, Sql]] = {
    "traces": Sql("cityHash64(SpanId)"),
    "logs": Sql("cityHash64(Timestamp, SpanId, Body)"),
    "sessions": Sql("cityHash64(Timestamp, SpanId, Body)"),
}
"""By what rows are drawn."""

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Cells:
    """The cells that hold rows, and how many: of the target, of the baseline alone, of both."""

    numbers: Counts
    target: Counts
    rest: Counts
    both: Counts

    @classmethod
    def of(cls, table: pa.Table) -> Cells:
        """The answer to :func:`cells`."""
        ordered = table.sort_by("cell")
        names = ("cell", "target", "rest", "shared")
        return cls(*(ordered.column(name).to_numpy().astype(np.int64) for name in names))

    @property
    def sizes(self) -> tuple[int, int, int]:
        """The rows of the target, of the rest of the baseline, and of both sides."""
        return int(self.target.sum()), int(self.rest.sum()), int(self.both.sum())

    @property
    def are_whole(self) -> bool:
        """Whether the sample holds all rows."""
        return max(self.sizes[:2]) <= SAMPLE_ROWS


def cells(compared: Compared) -> Sql:
    """How many rows of each side every cell has: ``cell``, ``target``, ``rest`` (of the baseline alone), ``shared``."""
    return sql(
        "SELECT cell, countIf(t) AS target, countIf(b AND NOT t) AS rest, countIf(t AND b) AS shared"
        " FROM (SELECT {} AS t, {} AS b, {} AS cell FROM {} WHERE {}) GROUP BY cell",
        compared.target,
        compared.baseline,
        _cell(compared),
        compared.table,
        compared.any_side,
    )


def sample(compared: Compared, found: Cells) -> Sql:
    """The rows that are drawn, with the arrays of :func:`airis_ray.delta.sample.entries`.

    ``t`` and ``b`` say which side a row is of. Source 0 are the columns, then come the maps.
    """
    columns = columns_of(compared)
    arrays = [
        _arrays(
            0,
            sql("[{}]", join(", ", [text(name) for name, _ in columns])),
            sql("[{}]", join(", ", [value for _, value in columns])),
        )
    ]
    for at, name in enumerate(compared.source.maps, 1):
        column = quote_identifier(name)
        arrays.append(
            _arrays(at, sql("CAST(mapKeys({}), 'Array(String)')", column), sql("mapValues({})", column))
        )
    # In steps: what a condition needs is read only where the ones before it left rows.
    return sql(
        "SELECT {} AS t, {} AS b, {} FROM {} PREWHERE {} WHERE {}",
        compared.target,
        compared.baseline,
        join(", ", arrays),
        compared.table,
        _drawn(compared, found),
        compared.any_side,
    )


def _cell(compared: Compared) -> Sql:
    names = Sql("ServiceName, SpanName" if compared.signal == "traces" else "ServiceName")
    step = max(1, -(-compared.period.length_ns // _BUCKETS))
    return sql(
        "toUInt16(cityHash64({}) % {} * {} + least(greatest(intDiv(toUnixTimestamp64Nano({}) - {}, {}), 0), {}))",
        names,
        Sql(str(_GROUPS)),
        Sql(str(_BUCKETS)),
        quote_identifier(compared.source.time),
        Sql(str(compared.period.start_ns)),
        Sql(str(step)),
        Sql(str(_BUCKETS - 1)),
    )


def _drawn(compared: Compared, found: Cells) -> Sql:
    """The condition that a row is drawn."""
    if found.are_whole:
        return Sql("1")
    chances = [
        _chances(counts, clusters if sum(found.sizes[:2]) > _SCATTERED else 0)
        for counts, clusters in zip((found.target, found.rest), _CLUSTERS, strict=True)
    ]
    row = sql("{} % {}", _ROW_HASH[compared.signal], Sql(str(_CHANCES)))
    below = [_of_cell(compared, found.numbers, each) for each in chances]
    each_row = sql("{} < if({}, {}, {})", row, compared.target, *below)
    used = found.numbers[(chances[0] > 0) | (chances[1] > 0)]
    if len(used) == len(found.numbers):
        return each_row
    among = Sql(", ".join(map(str, used.tolist())))
    return sql("({} IN ({})) AND ({})", _cell(compared), among, each_row)


def _chances(counts: Counts, clusters: int) -> Counts:
    """How likely a row of a side is drawn in each cell, of ``_CHANCES``; without clusters in every cell alike."""
    total = int(counts.sum())
    if total <= SAMPLE_ROWS:
        few = clusters and np.count_nonzero(counts) <= _NAMED
        return np.where(counts > 0, _CHANCES, 0) if few else np.full(len(counts), _CHANCES)
    if not clusters:
        return np.full(len(counts), -(-SAMPLE_ROWS * _CHANCES // total))
    points = (np.arange(clusters) + 0.5) * (total / clusters)
    drawn = np.bincount(np.searchsorted(np.cumsum(counts), points, side="right"), minlength=len(counts))
    share = drawn * (SAMPLE_ROWS / clusters) / np.maximum(counts, 1)
    chances: Counts = np.ceil(np.minimum(share, 1.0) * _CHANCES).astype(np.int64)
    return chances


def _of_cell(compared: Compared, numbers: Counts, chances: Counts) -> Sql:
    if len(set(chances.tolist())) == 1:
        return Sql(str(int(chances[0])))
    used = chances > 0
    keys, values = (Sql(", ".join(map(str, each[used].tolist()))) for each in (numbers, chances))
    return sql("transform({}, [{}], [{}], 0)", _cell(compared), keys, values)


def _arrays(at: int, keys: Sql, values: Sql) -> Sql:
    number = Sql(str(at))
    return sql(
        "{} AS k{}, {} AS v{}, arrayMap(v -> cityHash64(v), v{}) AS e{}, arrayMap(k -> {}, k{}) AS q{}",
        keys,
        number,
        values,
        number,
        number,
        number,
        key_hash(at),
        number,
        number,
    )

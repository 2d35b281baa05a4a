"""The counts of a comparison in one pass over the rows of both sides: its SQL, and what its answer says.

Every value of a row becomes a number of 64 bits: the value's hash, or its code in the attribute, above the attribute's
slot. The numbers of all attributes are joined into rows and counted in one GROUP BY, so what a value is and whether it
is worth listing need not be looked up for each of a thousand million values, but once for each different one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from airis_ray.analytics.sql import Sql, join, quote_identifier, sql, text
from airis_ray.delta.analysis import Counted, Plan
from airis_ray.delta.attributes import Attribute, Claim, Sides
from airis_ray.delta.pairs import Pair
from airis_ray.delta.statements import Compared, columns_of, key_hash, number_of

_BITS: Final = 10
"""Of a number, for the slot: 0 is nobody's, not read; 1 that of the rows themselves and of pairs; then attributes."""
_SLOTS: Final = (1 << _BITS) - 1
_DIFFERENT: Final = 2_000
"""Values of an attribute in the sample from which on only the listed ones are told apart: to count a million others one
by one would tell nothing more."""
_OWN, _FIRST = 1, 2
_ROW: Final = 1
_PAIR: Final = 2
"""In slot 1: what every row has once, and the first pair's."""
_EMPTY: Final = np.uint64(0x9AE16A3B2F90404F >> _BITS)
"""What is left of the hash of a value that is empty, and so absent."""
SETTINGS: Final = {"max_block_size": 16_384, "optimize_functions_to_subcolumns": 0}
"""Of these statements: smaller blocks than usual, for each row becomes 40 numbers and more, which should stay in the
processor's caches; and a map is read once, not as its keys, its values and itself."""


def counts(compared: Compared, plan: Plan, *, overlap: bool) -> Sql:
    """How many rows have each number ``e``: ``target`` of the target, ``rows`` of all, ``shared`` of both sides.

    Absence is counted by nobody: it is what is missing to all rows. Without ``overlap`` no row is of both.
    """
    numbered = list(enumerate(plan.attributes, _FIRST))
    columns = dict(columns_of(compared))
    parts = [Sql(f"[toUInt64({(_ROW << _BITS) + _OWN})]")]
    for at, name in enumerate(("", *compared.source.maps)):
        hashed = [(slot, each) for slot, each in numbered if each.place[0] == at and not _is_coded(each)]
        if at and hashed:
            column = quote_identifier(name)
            entry = _entries(at, hashed)
            parts.append(sql("arrayMap((k, v) -> {}, mapKeys({}), mapValues({}))", entry, column, column))
        elif hashed:
            listed = [_column_number(slot, columns[each.key]) for slot, each in hashed]
            parts.append(sql("[{}]", join(", ", listed)))
    codes = {slot: _code(each, _text_of(each, columns, compared), compared) for slot, each in numbered}
    singles = [_code_number(slot, codes[slot]) for slot, each in numbered if _is_coded(each)]
    singles += [_pair_number(at, pair, codes) for at, pair in enumerate(plan.pairs)]
    if singles:
        parts.append(sql("[{}]", join(", ", singles)))
    return sql(
        "SELECT e, countIf(t) AS target, count() AS rows, {} AS shared FROM"
        " (SELECT {} AS t, {} AS b, arrayJoin(arrayConcat({})) AS e FROM {} WHERE {}) GROUP BY e",
        Sql("countIf(t AND b)" if overlap else "toUInt64(0)"),
        compared.target,
        compared.baseline if overlap else Sql("0"),
        join(", ", parts),
        compared.table,
        compared.any_side,
    )


def read(table: pa.Table, plan: Plan) -> Counted:
    """The counts of a plan out of the answer to :func:`counts`."""
    numbers = table.column("e").to_numpy().astype(np.uint64)
    order = np.argsort(numbers & np.uint64(_SLOTS), kind="stable")
    numbers = numbers[order]
    target, rows, shared = (
        table.column(name).to_numpy().astype(np.int64)[order] for name in ("target", "rows", "shared")
    )
    sides = np.stack([target, rows - target, shared])
    slots, marks = (numbers & np.uint64(_SLOTS)).astype(np.int64), numbers >> np.uint64(_BITS)
    bounds = np.searchsorted(slots, np.arange(len(plan.attributes) + _FIRST + 1))
    first = slice(bounds[_OWN], bounds[_FIRST])
    own = dict(zip(marks[first].tolist(), sides[:, first].T.tolist(), strict=True))
    whole = np.array(own.get(_ROW, [0, 0, 0]), np.int64)
    found = []
    for slot, attribute in enumerate(plan.attributes, _FIRST):
        stretch = slice(bounds[slot], bounds[slot + 1])
        coded = _coded(attribute, marks[stretch])
        counted = np.stack([np.bincount(coded, side[stretch], attribute.codes) for side in sides])
        counted[:, 0] = np.maximum(0, whole - counted[:, 1:].sum(axis=1))
        found.append(Sides(*counted.astype(np.int64)))
    met = [own.get(_PAIR + at, [0, 0, 0]) for at in range(len(plan.pairs))]
    return Counted(found, [(each[0], each[1], each[2]) for each in met])


def _coded(attribute: Attribute, marks: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The codes of what came: of hashes those of the labels, all others being "another value"."""
    if _is_coded(attribute):
        return marks.astype(np.int64)
    hashes = np.array(attribute.hashes, np.uint64) >> np.uint64(_BITS)
    order = np.argsort(hashes)
    at = np.minimum(np.searchsorted(hashes[order], marks), len(order) - 1)
    codes = np.where(hashes[order][at] == marks, order[at] + 1, len(order) + 1)
    return np.where(marks == _EMPTY, 0, codes)


def _is_coded(attribute: Attribute) -> bool:
    """Whether its values are coded in ClickHouse: numbers, ids of which the presence counts, too many values."""
    return attribute.kind == "numeric" or not attribute.labels or attribute.values > _DIFFERENT


def _text_of(attribute: Attribute, columns: Mapping[str, Sql], compared: Compared) -> Sql:
    """A row's value of an attribute as text, empty where it has none."""
    if not attribute.place[0]:
        return columns[attribute.key]
    column = quote_identifier(compared.source.maps[attribute.place[0] - 1])
    return sql("{}[{}]", column, text(attribute.name))


def _entries(source: int, hashed: Sequence[tuple[int, Attribute]]) -> Sql:
    """The number of an entry (``k``, ``v``) of a map; hashes and slots are numbers of ours, and stand in the text.

    0 where nobody asks for the key: to multiply is cheaper than to leave numbers out of a thousand million.
    """
    slots = _lookup(key_hash(source), [(each.place[1], slot) for slot, each in hashed], "0")
    return sql("({} + {}) * ({} != 0)", _marked(Sql("cityHash64(v)")), slots, slots)


def _column_number(slot: int, value: Sql) -> Sql:
    return sql("bitOr({}, toUInt64({}))", _marked(sql("cityHash64({})", value)), Sql(str(slot)))


def _marked(value: Sql) -> Sql:
    return sql("bitAnd({}, {})", value, Sql(f"toUInt64({(1 << 64) - 1 - _SLOTS})"))


def _code(attribute: Attribute, value: Sql, compared: Compared) -> Sql:
    """The code of a row in an attribute; ``value`` is its value as text."""
    other = len(attribute.labels) + 1
    if attribute.kind == "numeric":
        number = number_of(compared, attribute, value)
        above = [sql("({} >= {})", number, Sql(repr(cut))) for cut in attribute.cuts]
        inside = join(" + ", [Sql("1"), *above])
        missing = sql("if({} = '', 0, {})", value, Sql(str(other)))
        return sql("toUInt64(if(isNaN({}), {}, {}))", number, missing, inside)
    listed = [(digest, code) for code, digest in enumerate(attribute.hashes, 1)]
    found = _lookup(sql("cityHash64({})", value), listed, str(other)) if listed else Sql(f"toUInt64({other})")
    return sql("if({} = '', toUInt64(0), {})", value, found)


def _code_number(slot: int, code: Sql) -> Sql:
    return sql(
        "({} * toUInt64({}) + toUInt64({})) * ({} != 0)", code, Sql(str(1 << _BITS)), Sql(str(slot)), code
    )


def _pair_number(at: int, pair: Pair, codes: Mapping[int, Sql]) -> Sql:
    number = Sql(f"toUInt64({((_PAIR + at) << _BITS) + _OWN})")
    return sql("({} AND {}) * {}", _meets(pair.first, codes), _meets(pair.second, codes), number)


def _meets(claim: Claim, codes: Mapping[int, Sql]) -> Sql:
    among = ", ".join(str(code) for code in np.flatnonzero(claim.mask))
    return sql("({} IN ({}))", codes[claim.attribute + _FIRST], Sql(among))


def _lookup(value: Sql, listed: Sequence[tuple[int, int]], default: str) -> Sql:
    keys = Sql(", ".join(f"toUInt64({key})" for key, _ in listed))
    found = Sql(", ".join(f"toUInt64({number})" for _, number in listed))
    return sql("transform({}, [{}], [{}], toUInt64({}))", value, keys, found, Sql(default))

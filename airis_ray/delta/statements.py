"""The SQL of a comparison: how many rows there are, a stable sample of them, and the counts in one pass over both."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from airis_ray.analytics.fields import resolve
from airis_ray.analytics.ranges import within
from airis_ray.analytics.signals import Kind, Source
from airis_ray.analytics.sql import Sql, all_of, any_of, join, quote_identifier, sql, text
from airis_ray.delta.attributes import Attribute, Claim
from airis_ray.delta.pairs import Pair
from airis_ray.telemetry.times import TimeRange

_COMPARED: Final = (
    Kind.STRING,
    Kind.TEXT,
    Kind.ENUM,
    Kind.LEVEL,
    Kind.NUMBER,
    Kind.DURATION,
    Kind.BOOL,
)
_IDS: Final = frozenset({"TraceId", "SpanId", "ParentSpanId"})
"""Columns that are ids whatever is in them."""
_ZERO_IS_MISSING: Final = frozenset({"SeverityNumber", "TemplateId"})
_ROW_HASH: Final[Mapping[str, Sql]] = {
    "traces": Sql("cityHash64(SpanId)"),
    "logs": Sql("cityHash64(Timestamp, SpanId, Body)"),
    "sessions": Sql("cityHash64(Timestamp, SpanId, Body)"),
}
"""By what rows are sampled: the same rows each time, whatever order they are read in."""
_SLICES: Final = 64
"""Stretches of time that a thinned range is read in: few enough for the key, many enough to see all of the range."""
ROW: Final = 1
"""The code that every row has once."""
FIRST: Final = 2
"""The first code of an attribute."""


@dataclass(frozen=True)
class Compared:
    """Two conditions on the rows of a signal; ``asked`` are the columns and keys in which they differ as they stand."""

    signal: str
    source: Source
    target: Sql
    baseline: Sql
    asked: frozenset[str]

    @property
    def table(self) -> Sql:
        """Where the rows are."""
        return Sql(self.source.table or "")

    @property
    def any_side(self) -> Sql:
        """A row of either side."""
        return any_of([self.target, self.baseline])


def condition(source: Source, part: TimeRange, matches: Sql, thinning: int) -> Sql:
    """The rows of one side; of a ``thinning`` above 1 those in stretches that make up so small a part of its range.

    Where the stretches lie follows from the range alone.
    """
    if thinning == 1:
        return all_of([within(source, part), matches])
    step = part.length_ns / _SLICES
    length = max(1, int(step / thinning))
    slices = []
    for at in range(_SLICES):
        seed = hashlib.blake2s(f"{part.start_ns} {part.end_ns} {at}".encode(), digest_size=4).digest()
        start = part.start_ns + int(step * at + (step - length) * int.from_bytes(seed) / 2**32)
        slices.append(within(source, TimeRange(start, start + length)))
    return all_of([within(source, part), any_of(slices), matches])


def totals(compared: Compared) -> Sql:
    """One row: ``target``, ``rest`` (of the baseline alone), ``both``."""
    return sql(
        "SELECT countIf(t) AS target, countIf(b AND NOT t) AS rest, countIf(t AND b) AS both"
        " FROM (SELECT {} AS t, {} AS b FROM {} WHERE {})",
        compared.target,
        compared.baseline,
        compared.table,
        compared.any_side,
    )


def sample(compared: Compared, every: tuple[int, int]) -> Sql:
    """Every so many rows of the target and of the rest, with the arrays of :func:`airis_ray.delta.sample.entries`.

    ``t`` and ``b`` say which side a row is of. Source 0 are the columns, then come the maps.
    """
    chosen = Sql("1")
    if every != (1, 1):
        chosen = sql("(({} AND {}) OR (NOT {} AND {}))", *_chances(compared, every))
    columns = _columns(compared)
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
    return sql(
        "SELECT {} AS t, {} AS b, {} FROM {} WHERE {} AND {}",
        compared.target,
        compared.baseline,
        join(", ", arrays),
        compared.table,
        compared.any_side,
        chosen,
    )


def _chances(compared: Compared, every: tuple[int, int]) -> tuple[Sql, Sql, Sql, Sql]:
    row = _ROW_HASH[compared.signal]
    first, second = (sql("{} % {} = 0", row, Sql(str(int(each)))) for each in every)
    return compared.target, first, compared.target, second


def _columns(compared: Compared) -> list[tuple[str, Sql]]:
    """The columns that are compared, each as text that is empty where the column says nothing."""
    found = []
    for name, kind in compared.source.columns.items():
        if kind not in _COMPARED or name in _IDS:
            continue
        value = resolve(name, compared.signal).value
        if name in _ZERO_IS_MISSING:
            value = sql("if({} = 0, '', toString({}))", value, value)
        elif kind in (Kind.NUMBER, Kind.DURATION, Kind.BOOL):
            value = sql("toString({})", value)
        else:
            value = sql("CAST({}, 'String')", value)
        found.append((name, value))
    return found


def _arrays(at: int, keys: Sql, values: Sql) -> Sql:
    number = Sql(str(at))
    return sql(
        "{} AS k{}, {} AS v{}, arrayMap((k, v) -> {}, k{}, v{}) AS e{}, arrayMap(k -> {}, k{}) AS q{}",
        keys,
        number,
        values,
        number,
        _entry(at),
        number,
        number,
        number,
        _key(at),
        number,
        number,
    )


def _key(at: int) -> Sql:
    """The hash of a key ``k`` of a source. Of a map with low cardinality it is computed once for each different key."""
    return Sql(f"cityHash64({at}, k)")


def _entry(at: int) -> Sql:
    """The hash of a key with its value ``v``."""
    return sql("bitXor({}, cityHash64(v))", _key(at))


def counts(compared: Compared, attributes: Sequence[Attribute], pairs: Sequence[Pair]) -> Sql:
    """How many rows of each side have each code: ``side`` (1 target, 2 baseline, 3 both), ``code``, ``rows``.

    A code is that of its attribute plus what :func:`offsets` gives; 1 is every row's, 0 is none. Absence is counted by
    nobody: it is what is missing to all rows.
    """
    starts, pairs_start = offsets(attributes)
    columns = dict(_columns(compared))
    parts = [Sql(f"[toUInt32({ROW})]")]
    singles = []
    for at, name in enumerate(("", *compared.source.maps)):
        own = [each for each in zip(attributes, starts, strict=True) if each[0].place[0] == at]
        column = quote_identifier(name)
        listed = [each for each in own if at and each[0].kind == "categorical"]
        if listed:
            code = _map_code(at, listed)
            parts.append(sql("arrayMap((k, v) -> {}, mapKeys({}), mapValues({}))", code, column, column))
        for attribute, start in own:
            if not at:
                singles.append(_column_code(attribute, start, columns[attribute.key]))
            elif (
                attribute.kind == "numeric"
            ):  # one lookup is cheaper than a branch for every entry of the map
                singles.append(_number_code(attribute, start, sql("{}[{}]", column, text(attribute.name))))
    if singles:
        parts.append(sql("[{}]", join(", ", singles)))
    codes = sql("arrayConcat({})", join(", ", parts))
    met = [
        sql(
            "if({} AND {}, [toUInt32({})], [])",
            _meets(pair.first, attributes, starts),
            _meets(pair.second, attributes, starts),
            Sql(str(pairs_start + at)),
        )
        for at, pair in enumerate(pairs)
    ]
    whole = sql("arrayConcat(codes, {})", join(", ", met)) if met else Sql("codes")
    # One key of 16 bits is counted in an array, several or longer ones in a hash table.
    highest = pairs_start + len(pairs)
    packed = Sql("toUInt16" if highest * 4 < 1 << 16 else "toUInt32")
    return sql(
        "SELECT bitAnd(packed, 3) AS side, intDiv(packed, 4) AS code, rows FROM"
        " (SELECT packed, count() AS rows FROM (SELECT {}(arrayJoin({}) * 4 + side) AS packed FROM"
        " (SELECT toUInt8({}) + 2 * toUInt8({}) AS side, {} AS codes FROM {} WHERE {})) GROUP BY packed)",
        packed,
        whole,
        compared.target,
        compared.baseline,
        codes,
        compared.table,
        compared.any_side,
    )


def offsets(attributes: Sequence[Attribute]) -> tuple[list[int], int]:
    """What is added to each attribute's codes, and the code of the first pair."""
    starts, at = [], FIRST
    for attribute in attributes:
        starts.append(at)
        at += attribute.codes
    return starts, at


def _map_code(source: int, own: Sequence[tuple[Attribute, int]]) -> Sql:
    """The code of one entry (``k``, ``v``) of a map; hashes and codes are numbers of ours, and stand in the text."""
    listed = [(digest, start + code) for each, start in own for code, digest in enumerate(each.hashes, 1)]
    other = [(each.place[1], start + len(each.labels) + 1) for each, start in own]
    code = _lookup(_entry(source), listed, _lookup(_key(source), other, Sql("toUInt32(0)")))
    return sql("{} * toUInt32(notEmpty(v))", code)


def _column_code(attribute: Attribute, start: int, value: Sql) -> Sql:
    if attribute.kind == "numeric":
        return _number_code(attribute, start, value)
    listed = [(digest, start + code) for code, digest in enumerate(attribute.hashes, 1)]
    entry = sql("bitXor(cityHash64(0, {}), cityHash64({}))", text(attribute.key), value)
    other = Sql(f"toUInt32({start + len(attribute.labels) + 1})")
    return sql("if({} = '', toUInt32(0), {})", value, _lookup(entry, listed, other))


def _lookup(value: Sql, listed: Sequence[tuple[int, int]], default: Sql) -> Sql:
    if not listed:
        return default
    hashes = Sql(", ".join(f"toUInt64({digest})" for digest, _ in listed))
    codes = Sql(", ".join(f"toUInt32({code})" for _, code in listed))
    return sql("transform({}, [{}], [{}], {})", value, hashes, codes, default)


def _number_code(attribute: Attribute, start: int, value: Sql) -> Sql:
    number = sql("toFloat64OrNull({})", value)
    above = [sql("({} >= {})", number, Sql(repr(float(cut)))) for cut in attribute.cuts]
    inside = (
        sql("toUInt32({} + {})", Sql(str(start + 1)), join(" + ", above))
        if above
        else Sql(f"toUInt32({start + 1})")
    )
    other = Sql(str(start + len(attribute.labels) + 1))
    return sql("if({} = '', toUInt32(0), ifNull({}, toUInt32({})))", value, inside, other)


def _meets(claim: Claim, attributes: Sequence[Attribute], starts: Sequence[int]) -> Sql:
    start = starts[claim.attribute]
    absent = bool(claim.mask[0])
    codes = [
        start + code
        for code in range(1, attributes[claim.attribute].codes)
        if bool(claim.mask[code]) != absent
    ]
    found = Sql(f"hasAny(codes, [{', '.join(f'toUInt32({code})' for code in codes)}])")
    return sql("NOT {}", found) if absent else found

"""What a field name of a query means: a column, an alias, or the key of an attribute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airis_ray.analytics.conventions import keys_of
from airis_ray.analytics.levels import LEVEL_COLUMNS, level_value
from airis_ray.analytics.signals import Kind, Source, source_of
from airis_ray.analytics.sql import TRUE, Sql, all_of, any_of, quote_identifier, sql, text
from airis_ray.store.keys import HOT_KEYS, HotKeys, column_for

_ZERO_IS_MISSING: Final = frozenset({"SeverityNumber", "TemplateId"})


@dataclass(frozen=True, slots=True)
class Field:
    """A resolved field.

    ``value`` is its expression: never NULL, the empty string where a row lacks an attribute. ``places`` are the maps
    and keys that an attribute is looked up in, ``lookups`` what is read for it, the first that is not empty counts:
    the entries of the maps, or in the place of a key's two the column that ClickHouse made of them. Both are empty
    for columns.
    """

    name: str
    kind: Kind
    value: Sql
    lookups: tuple[Sql, ...] = ()
    places: tuple[tuple[str, str], ...] = ()

    @property
    def sql(self) -> Sql:
        """The same as ``value``."""
        return self.value

    @property
    def columns(self) -> frozenset[str] | None:
        """The columns that the value is made of; None for an attribute."""
        if self.kind is Kind.ATTRIBUTE:
            return None
        return LEVEL_COLUMNS if self.kind is Kind.LEVEL else frozenset({self.name})

    @property
    def number(self) -> Sql:
        """The value as Float64; NULL where it is missing or no number."""
        if self.kind in (Kind.NUMBER, Kind.DURATION, Kind.BOOL):
            return sql("toFloat64({})", self.value)
        if self.kind is Kind.TIME:
            return sql("toFloat64(toUnixTimestamp64Nano({}))", self.value)
        if self.kind in (Kind.STRINGS, Kind.MAP, Kind.OTHER):
            return Sql("CAST(NULL, 'Nullable(Float64)')")
        return sql("toFloat64OrNull({})", self.value)

    @property
    def present(self) -> Sql:
        """The condition that a row carries the field."""
        if self.lookups:
            return any_of(sql("{} != ''", lookup) for lookup in self.lookups)
        if self.kind in (Kind.STRINGS, Kind.MAP, Kind.OTHER):
            return sql("notEmpty({})", self.value)
        if self.kind in (Kind.TIME, Kind.BOOL, Kind.DURATION) or (
            self.kind is Kind.NUMBER and self.name not in _ZERO_IS_MISSING
        ):
            return TRUE
        return sql("{} != {}", self.value, Sql("0") if self.kind is Kind.NUMBER else Sql("''"))

    def equals(self, literal: str) -> Sql:
        """The condition that the value, a string or an attribute, is this literal.

        Written lookup by lookup, so that an index on one of them can be used.
        """
        if not self.lookups:
            return sql("{} = {}", self.value, text(literal))
        if not literal:
            return all_of(sql("{} = ''", lookup) for lookup in self.lookups)
        return any_of(
            all_of(
                [
                    *(sql("{} = ''", earlier) for earlier in self.lookups[:n]),
                    sql("{} = {}", lookup, text(literal)),
                ]
            )
            for n, lookup in enumerate(self.lookups)
        )


def resolve(name: str, signal: str, *, table: str | None = None, hot: HotKeys = HOT_KEYS) -> Field:
    """The field of this name: an alias, a column (in any case), ``Map.key``, or else an attribute key.

    ``table`` says which of the metrics' tables is meant, ``hot`` which keys have a column of their own. Every name
    resolves: an attribute that no row carries is a legitimate question.
    """
    source = source_of(signal, table)
    column = _column(name, source)
    if column is not None:
        kind = source.columns[column]
        value = level_value() if kind is Kind.LEVEL else quote_identifier(column)
        return Field(column, kind, value)
    map_column, _, key = name.partition(".")
    if key and map_column in source.maps:
        entry = _entry(map_column, key)
        return Field(name, Kind.ATTRIBUTE, entry, (entry,), ((map_column, key),))
    keys = keys_of(name)
    places = tuple((each, key) for key in keys for each in source.attributes)
    lookups = tuple(lookup for key in keys for lookup in _lookups(source, key, hot))
    return Field(name, Kind.ATTRIBUTE, _first_of(lookups), lookups, places)


def _column(name: str, source: Source) -> str | None:
    alias = source.aliases.get(name)
    if alias is not None:
        return alias
    if name in source.columns:
        return name
    folded = name.lower()
    return next((column for column in source.columns if column.lower() == folded), None)


def _lookups(source: Source, key: str, hot: HotKeys) -> tuple[Sql, ...]:
    """What is read for a key: its column, which holds what any of the maps has, or else the maps."""
    column = column_for(source.table, key, hot)
    if column is not None:
        return (quote_identifier(column),)
    return tuple(_entry(each, key) for each in source.attributes)


def _entry(map_column: str, key: str) -> Sql:
    return sql("{}[{}]", quote_identifier(map_column), text(key))


def _first_of(lookups: tuple[Sql, ...]) -> Sql:
    if not lookups:
        return Sql("''")
    value = lookups[-1]
    for lookup in reversed(lookups[:-1]):
        value = sql("if({} != '', {}, {})", lookup, lookup, value)
    return value

"""What a field name of a query means: a column, an alias, or the key of an attribute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airis_ray.analytics.conventions import keys_of
from airis_ray.analytics.levels import LEVEL_COLUMNS, level_value
from airis_ray.analytics.signals import Kind, Source, source_of
from airis_ray.analytics.sql import TRUE, Sql, all_of, any_of, quote_identifier, sql, text
from airis_ray.store.keys import column_for

_ZERO_IS_MISSING: Final = frozenset({"SeverityNumber", "TemplateId"})


@dataclass(frozen=True, slots=True)
class Field:
    """A resolved field.

    ``value`` is its expression: never NULL, the empty string where a row lacks an attribute. ``places`` are the maps
    and keys that an attribute is looked up in, ``lookups`` the same as expressions, the first that is not empty counts;
    both are empty for columns.
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


def resolve(name: str, signal: str, *, table: str | None = None) -> Field:
    """The field of this name: an alias, a column (in any case), ``Map.key``, or else an attribute key.

    ``table`` says which of the metrics' tables is meant. Every name resolves: an attribute that no row carries
    is a legitimate question.
    """
    source = source_of(signal, table)
    column = _column(name, source)
    if column is not None:
        kind = source.columns[column]
        value = level_value() if kind is Kind.LEVEL else quote_identifier(column)
        return Field(column, kind, value)
    map_column, _, key = name.partition(".")
    if key and map_column in source.maps:
        places: tuple[tuple[str, str], ...] = ((map_column, key),)
    else:
        places = _places(source, name)
    lookups = tuple(_lookup(source, *place) for place in places)
    return Field(name, Kind.ATTRIBUTE, _first_of(lookups), lookups, places)


def _column(name: str, source: Source) -> str | None:
    alias = source.aliases.get(name)
    if alias is not None:
        return alias
    if name in source.columns:
        return name
    folded = name.lower()
    return next((column for column in source.columns if column.lower() == folded), None)


def _places(source: Source, name: str) -> tuple[tuple[str, str], ...]:
    """Where an attribute of this name may be.

    A key that has a column of its own is read from its column alone, and its counterparts from theirs: the maps beside
    it would cost 57 times as much to read, for a key in a place where its convention does not put it
    (``docs/decisions/search-syntax.md``).
    """
    keys = keys_of(name)
    hot = {key: _hot(source, key) for key in keys}
    if hot[keys[0]]:
        return tuple(place for key in keys for place in hot[key])
    return tuple(place for key in keys for place in hot[key] or [(each, key) for each in source.attributes])


def _hot(source: Source, key: str) -> list[tuple[str, str]]:
    """The maps in which the key has a column of its own."""
    return [(each, key) for each in source.attributes if column_for(source.table or "", each, key)]


def _lookup(source: Source, map_column: str, key: str) -> Sql:
    column = column_for(source.table or "", map_column, key)
    if column is not None:
        return quote_identifier(column)
    return sql("{}[{}]", quote_identifier(map_column), text(key))


def _first_of(lookups: tuple[Sql, ...]) -> Sql:
    if not lookups:
        return Sql("''")
    value = lookups[-1]
    for lookup in reversed(lookups[:-1]):
        value = sql("if({} != '', {}, {})", lookup, lookup, value)
    return value

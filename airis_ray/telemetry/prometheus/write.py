"""The bodies of both versions of remote write, after decompression."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.prometheus.messages import V1, V2
from airis_ray.telemetry.prometheus.series import (
    NO_META,
    BadSeries,
    Builder,
    Label,
    Meta,
    Translated,
    exemplar,
)


def translate_v1(body: bytes, limit: int) -> Translated:
    """A ``prometheus.WriteRequest``. Metadata, which comes in requests of its own, is read over.

    Raises InvalidInput where the message cannot be read, TooLarge where it is more than ``limit`` bytes as OTLP. A
    series or histogram that cannot be taken is counted in the result, and its neighbours are kept.
    """
    request = _parsed(V1["WriteRequest"], body)
    builder = Builder(limit)
    known: dict[bytes, Label] = {}

    def label(data: bytes) -> Label:
        if (found := known.get(data)) is None:
            parsed = _parsed(V1["Label"], data)
            found = known[data] = Label.of(parsed.name, parsed.value)
        return found

    for series in request.timeseries:
        labels = [label(data) for data in series.labels]
        try:
            exemplars = [
                exemplar([label(data) for data in item.labels], item.value, item.timestamp)
                for item in series.exemplars
            ]
            builder.add(labels, NO_META, series, exemplars, 0)
        except BadSeries as error:
            builder.result.refuse(_count(series), f"{_shown(labels)}: {error}")
    return builder.finish()


def translate_v2(body: bytes, limit: int) -> Translated:
    """An ``io.prometheus.write.v2.Request``; raises and counts as :func:`translate_v1`."""
    request = _parsed(V2["Request"], body)
    symbols = _Symbols(request.symbols)
    builder = Builder(limit)
    for series in request.timeseries:
        labels: list[Label] = []
        try:
            labels = symbols.labels(series.labels_refs)
            exemplars = [
                exemplar(symbols.labels(item.labels_refs), item.value, item.timestamp)
                for item in series.exemplars
            ]
            builder.add(labels, symbols.meta(series.metadata), series, exemplars, series.created_timestamp)
        except BadSeries as error:
            builder.result.refuse(_count(series), f"{_shown(labels)}: {error}")
    return builder.finish()


class _Symbols:
    """The strings of a request, and what was made of them."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._symbols = list(symbols)
        self._labels: dict[tuple[int, int], Label] = {}
        self._metas: dict[tuple[int, int, int], Meta] = {}

    def labels(self, references: Iterable[int]) -> list[Label]:
        """The labels behind references, a name and a value each."""
        flat = list(references)
        if len(flat) % 2:
            raise BadSeries(f"{len(flat)} references to symbols; expected pairs of name and value")
        return [self._label(pair) for pair in zip(flat[::2], flat[1::2], strict=True)]

    def meta(self, of: Any) -> Meta:
        """Type, help and unit of a series."""
        key = of.type, of.help_ref, of.unit_ref
        if (found := self._metas.get(key)) is None:
            found = self._metas[key] = Meta(key[0], self._text(key[1]), self._text(key[2]))
        return found

    def _label(self, pair: tuple[int, int]) -> Label:
        if (found := self._labels.get(pair)) is None:
            found = self._labels[pair] = Label.of(self._text(pair[0]), self._text(pair[1]))
        return found

    def _text(self, reference: int) -> str:
        if reference < len(self._symbols):
            return self._symbols[reference]
        if not reference:  # no symbols at all; 0 stands for the empty string
            return ""
        raise BadSeries(f"a reference to symbol {reference} of {len(self._symbols)}")


def _parsed(message: Any, body: bytes) -> Any:
    try:
        return message.FromString(body)
    except DecodeError as error:
        raise InvalidInput(f"the body is no {message.DESCRIPTOR.name} of remote write: {error}") from None


def _count(series: Any) -> int:
    return len(series.samples) + len(series.histograms)


def _shown(labels: list[Label]) -> str:
    text = "{" + ", ".join(f'{label.name}="{label.text}"' for label in labels[:10]) + "}"
    return text if len(text) <= 200 else f"{text[:199]}…"

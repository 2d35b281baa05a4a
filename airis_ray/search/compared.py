"""What a number of a question is compared with: the field that is named beside it, or that its unit implies."""

from __future__ import annotations

from airis_ray.search.reading import Reading


def field_before(reading: Reading, place: int) -> tuple[str, int] | None:
    """What is compared, said on the left: the nearest, with only little words between."""
    at = place - 1
    steps = 0
    while (
        at >= 0
        and steps < 4
        and (reading.little(at) or reading.unit(at).has("measure", "avg"))
        and reading.unit(at).key not in (",", "and", "or", "그리고", "또는")
    ):
        at -= 1
        steps += 1
    return _field(reading, at)


def field_after(reading: Reading, place: int) -> tuple[str, int] | None:
    at = place + 1
    while reading.unit(at).key in ("in", "of", "the", "total", "을", "를", "의", "이", "가"):
        at += 1
    return _field(reading, at)


def _field(reading: Reading, at: int) -> tuple[str, int] | None:
    unit = reading.unit(at)
    if not reading.free(at):
        return None
    if reading.meaning.signal == "sessions":
        named = (
            unit.value("session")
            or ("errors" if unit.has("level", "error") else None)
            or ("duration" if unit.has("duration") else None)
        )
        return (named, at) if named else None
    if unit.has("duration"):
        return "duration", at
    name = reading.name(at, ("key",))
    return (name.value, at) if name and comparable(reading, name.value) else None


def comparable(reading: Reading, key: str) -> bool:
    """Whether an attribute is a number, as far as the tenant's rows tell."""
    attribute = reading.catalog.attributes.get(key)
    return attribute is None or attribute.numeric or is_duration(reading, key)


def implied(reading: Reading, kind: str) -> str | None:
    """The numeric attribute that money or pieces are of, where the tenant has one."""
    part = {"money": ("amount", "price", "total"), "pieces": ("items", "quantity")}.get(kind, ())
    for key, found in sorted(reading.catalog.attributes.items()):
        if found.numeric and key.rpartition(".")[2] in part:
            return key
    return None


def is_duration(reading: Reading, key: str) -> bool:
    return "duration" in key or "time" in key or "latency" in key

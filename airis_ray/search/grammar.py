"""From the words of a question to what it means: the rules in their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from airis_ray.search.catalog import Catalog
from airis_ray.search.comparisons import read_numbers
from airis_ray.search.entities import drop_services, read_kinds, read_services, read_statuses, read_values
from airis_ray.search.groups import read_groups
from airis_ray.search.instants import Times
from airis_ray.search.intents import intent_of
from airis_ray.search.keyed import read_keyed
from airis_ray.search.levels import read_levels, read_status_classes
from airis_ray.search.meaning import Clause, Meaning
from airis_ray.search.measures import read_measures
from airis_ray.search.negation import discard, read_negation, untangle
from airis_ray.search.ranking import read_order
from airis_ray.search.reading import Reading
from airis_ray.search.session_words import read_sessions
from airis_ray.search.signals import metric_in_parts, signal_of
from airis_ray.search.spelling import correct
from airis_ray.search.tokens import Piece
from airis_ray.search.unexplained import read_unexplained
from airis_ray.search.units import Unit
from airis_ray.search.wording import read_leftover, read_likeness, read_quoted, read_said

Rule = Callable[[Reading], None]

_LOGS: Final[tuple[Rule, ...]] = (
    read_keyed, read_quoted, read_said, read_services, read_values, read_groups, read_levels, read_statuses,
    read_numbers, read_measures, read_order, read_leftover, read_negation,
)  # fmt: skip
_TRACES: Final[tuple[Rule, ...]] = (
    read_services, read_keyed, read_quoted, read_status_classes, read_kinds, read_groups, read_numbers, read_values,
    read_statuses, read_measures, read_order, read_negation,
)  # fmt: skip
_METRICS: Final[tuple[Rule, ...]] = (
    read_services,
    read_keyed,
    read_groups,
    read_numbers,
    read_values,
    read_measures,
    read_order,
    read_negation,
)
_SESSIONS: Final[tuple[Rule, ...]] = (
    read_numbers,
    read_quoted,
    read_services,
    read_sessions,
    read_measures,
    read_order,
    read_negation,
)


def understand(question: str, units: list[Unit], catalog: Catalog, times: Times) -> Meaning:
    """What a question means to the tenant that asks it."""
    reading = Reading(question, units, catalog, times)
    meaning = reading.meaning
    _trace(reading)
    if _command(reading):
        return meaning
    correct(reading)
    untangle(reading)
    discard(reading)
    meaning.intent = intent_of(reading)
    meaning.signal = signal_of(reading)
    meaning.spans = reading.any("signal", "spans")
    meaning.requests = reading.any("signal", "requests")
    meaning.trend = reading.any("trend")
    meaning.table = reading.any("signal", "table")
    if meaning.intent == "metrics":
        _prefix(reading)
    elif meaning.signal == "metrics":
        _metric(reading)
    if meaning.intent == "similar":
        read_likeness(reading)
    rules = {"logs": _LOGS, "traces": _TRACES, "metrics": _METRICS, "sessions": _SESSIONS}[meaning.signal]
    for rule in rules:
        rule(reading)
    if not meaning.intent and reading.any("signal", "compare") and len(meaning.services) > 1:
        meaning.group = meaning.group or ["service"]
    if meaning.signal == "traces":
        drop_services(reading)
        _spans_errors(reading)
        read_negation(reading)
    if times.ahead is not None:
        meaning.horizon = times.ahead
    if meaning.intent == "values":
        meaning.target = _target(reading)
    read_unexplained(reading)
    if not _says_anything(reading) or _too_little(reading):
        meaning.blocked = True
        meaning.unresolved = meaning.unresolved or [
            unit.text for unit in reading.units if not reading.little(reading.units.index(unit))
        ]
    return meaning


def _target(reading: Reading) -> str | None:
    """The attribute whose values are asked for."""
    names = [
        name for place in range(len(reading.units)) if (name := reading.name(place, ("key",))) is not None
    ]
    return max(names, key=lambda name: name.weight).value if names else None


def _says_anything(reading: Reading) -> bool:
    """Whether anything of telemetry was said, besides a time; a value guessed from a mistyped word alone is nothing."""
    meaning = reading.meaning
    guessed = {written for written, _ in meaning.guesses}
    said = (
        meaning.intent
        or [
            clause
            for clause in meaning.clauses
            if clause.field == "service" or reading.unit(clause.at).text not in guessed
        ]
        or meaning.measures
        or meaning.group
        or meaning.metric
        or meaning.order
    )
    return bool(said) or any(reading.any(kind) for kind in ("signal", "kind", "duration", "trend"))


def _too_little(reading: Reading) -> bool:
    """Whether all that was said is an everyday word that a service may be called by: 환율 얼마야."""
    meaning = reading.meaning
    if meaning.intent or meaning.measures or meaning.order or meaning.metric or meaning.group:
        return False
    fields = {clause.field for clause in meaning.clauses}
    price = any(unit.key.startswith("얼마") for unit in reading.units)
    if (
        fields != {"service"}
        or (reading.times.ranges and not price)
        or any(reading.any(kind) for kind in ("signal", "trend"))
    ):
        return False
    names = [reading.name(clause.at, ("service",)) for clause in meaning.clauses]
    return all(name is not None and name.weight < 1.0 for name in names)


def _trace(reading: Reading) -> None:
    for place, unit in enumerate(reading.units):
        if unit.piece is Piece.TRACE:
            reading.meaning.trace = unit.key
            reading.use(place)


_DESCRIBING: Final = ("는", "던", "한", "된", "낸", "운", "린", "인")
_ASKING: Final = ("줘", "줘라", "주세요", "줄래", "줄래요", "주십시오", "시켜")


def _command(reading: Reading) -> bool:
    """Something to be done and not to be found: nothing here does it."""
    meaning = reading.meaning
    words = []
    first = next(
        (
            place
            for place in range(len(reading.units))
            if not reading.little(place) and place not in reading.times.used
        ),
        -1,
    )
    for place, unit in enumerate(reading.units):
        if unit.unknown and unit.text.endswith(_ASKING):
            words.append(unit.text)  # 비워줘: something to be done that nothing here does
            continue
        if not unit.has("action") or (unit.text.removesuffix("s").isupper() and unit.names):
            continue
        korean = unit.piece is Piece.HANGUL
        if korean and not (unit.tail or place >= len(reading.units) - 3):
            continue
        if not korean and place != first and not (place == first + 1 and reading.unit(first).unknown):
            continue
        if korean and unit.text.rstrip().endswith(_DESCRIBING) and place + 1 < len(reading.units):
            continue  # 보내는 스팬: what it does, not what to do
        # 로그 재시작 is what logs say, 로그 보내줘 is to be done.
        asked = unit.tail or unit.text.endswith(_ASKING)
        if unit.has("signal") or (korean and reading.any("signal", "logs") and not asked):
            continue
        words.append(unit.text)
    if not words:
        return False
    unknown = [unit.text for unit in reading.units if unit.unknown]
    meaning.unresolved = [*words, *unknown]
    meaning.blocked = True
    return True


def _metric(reading: Reading) -> None:
    """The metric that is named; its other parts may stand elsewhere (``payment 의 CPU 사용률``)."""
    best: tuple[float, int, str] | None = None
    for place in range(len(reading.units)):
        if place in reading.times.used:
            continue
        name = reading.name(place, ("metric",))
        if name is not None and (
            best is None
            or (name.weight, len(reading.unit(place).key)) > (best[0], len(reading.unit(best[1]).key))
        ):
            service = reading.name(place, ("service",))
            if service is None or service.weight < name.weight:
                best = (name.weight, place, name.value)
    whole = metric_in_parts(reading)
    if whole is not None:
        best = (1.0, best[1] if best else -1, whole)
    if best is None:
        return
    reading.meaning.metric = best[2]
    reading.use(best[1])
    parts = set(best[2].replace("_", ".").split("."))
    for place in range(len(reading.units)):
        if (
            reading.free(place)
            and reading.unit(place).key in parts
            and not reading.unit(place).name("service")
        ):
            reading.use(place)
        again = reading.name(place, ("metric",)) if reading.free(place) else None
        other = reading.name(place, ("service", "key", "value"))
        if again is not None and again.value == best[2] and (other is None or other.weight < 1.0):
            reading.use(place)


def _prefix(reading: Reading) -> None:
    """``metrics starting with jvm``, ``jvm으로 시작하는 메트릭``: what the names begin with."""
    for place in reading.places("prefix"):
        korean = reading.unit(place).piece is Piece.HANGUL
        at = reading.before(place) if korean else reading.after(place)
        if reading.free(at) and not reading.unit(at).senses:
            reading.meaning.target = reading.unit(at).text
            reading.use(at, place)


def _spans_errors(reading: Reading) -> None:
    """Of spans, 에러 is the status; beside a class of status codes it says nothing more."""
    meaning = reading.meaning
    fields = {
        clause.field for clause in meaning.clauses if clause.field != "error.type" or not clause.negated
    }
    for place in reading.places("level"):
        level = reading.unit(place).value("level")
        if level in ("error", "fatal"):
            if (
                "status" not in fields
                and "http.response.status_code" not in fields
                and "error.type" not in fields
            ):
                before, after = reading.unit(place - 1), reading.unit(place + 1)
                negated = after.key in ("없는", "없이", "없었던") or before.key in ("no", "without")
                reading.add(Clause("status", "=", ("error",), negated=False, at=place), place)
                fields.add("status")
                if negated and not reading.places("not"):
                    meaning.clauses[-1] = Clause("status", "=", ("error",), negated=True, at=place)
            reading.use(place)

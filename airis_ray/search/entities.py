"""Names of the tenant's things as conditions: services, values of attributes, kinds of spans."""

from __future__ import annotations

from typing import Final

from airis_ray.search.meaning import Clause
from airis_ray.search.reading import Reading
from airis_ray.search.tokens import Piece

_SURE: Final = 0.55
"""A name of less weight is not meant by itself."""
_KINDS: Final = {
    "client": "Client",
    "consumer": "Consumer",
    "producer": "Producer",
    "server": "Server",
    "internal": "Internal",
}


def read_services(reading: Reading) -> None:
    """The services that are named; they come first, because what else a word may mean depends on them."""
    for place, unit in enumerate(reading.units):
        if not reading.free(place) or unit.piece is Piece.PATH:
            continue
        name = reading.name(place, ("service",))
        if name is None or name.weight < _SURE or _is_group(reading, place):
            continue
        if _part_of_number(reading, place, name.value):
            reading.use(place)
            continue
        if name.weight < 1 and _means_else(reading, place, name.weight):
            continue
        reading.add(Clause("service", "=", (name.value,), at=place), place)
        reading.meaning.services.append(name.value)
        for near in (place - 1, place + 1):
            if reading.unit(near).has("signal", "services") and not reading.unit(near + 1).has("group"):
                reading.use(near)


def drop_services(reading: Reading) -> None:
    """Without the services whose word only goes with an attribute of others' spans: 결제 of 결제 금액."""
    meaning = reading.meaning
    fields = {clause.field for clause in meaning.clauses} | {measure.field for measure in meaning.measures}
    known = [reading.catalog.attributes.get(field or "") for field in sorted(fields - {None, ""}, key=str)]
    numeric = [found for found in known if found is not None and found.numeric and found.services]
    for clause in [each for each in meaning.clauses if each.field == "service" and not each.negated]:
        name = reading.name(clause.at, ("service",))
        marked = reading.unit(clause.at + 1).has("signal", "services")
        beside = reading.name(clause.at + 1, ("key",))
        if name is None or name.weight >= 1 or marked or beside is None:
            continue
        if any(name.value not in found.services for found in numeric):
            meaning.clauses.remove(clause)
            meaning.services.remove(name.value)


def _is_group(reading: Reading, place: int) -> bool:
    return reading.unit(place + 1).has("group", "after")


def _means_else(reading: Reading, place: int, weight: float) -> bool:
    """A translated service name that is rather something else here: 결제 beside 카카오페이, 메일 in a log's words."""
    marked = reading.unit(place + 1).has("signal", "services") or reading.unit(place + 1).key in ("쪽", "팀")
    if marked:
        return False
    if _part_of_value(reading, place):
        reading.use(place)
        return True
    others = [
        name
        for name in reading.unit(place).names
        if name.kind in ("key", "value", "metric") and name.weight > weight
    ]
    explicit = any(
        (other := reading.name(at, ("service",))) is not None and other.weight == 1.0
        for at in range(len(reading.units))
        if at != place and at not in reading.times.used
    )
    if explicit:
        if not any(name.kind != "service" for name in reading.unit(place).names):
            reading.use(place)
        return True
    return bool(others)


def _part_of_number(reading: Reading, place: int, service: str) -> bool:
    """Whether a service's word only places what is counted: 장바구니에 상품 5개 담은 체크아웃, items in the cart."""
    if reading.unit(place + 1).has("signal", "services"):
        return False
    others = {
        name.value
        for at, unit in enumerate(reading.units)
        if at != place and at not in reading.times.used
        for name in unit.names
        if name.kind == "service" and name.weight >= 0.9
    }
    near = range(max(place - 4, 0), min(place + 4, len(reading.units)))
    counted = any(reading.unit(at).piece is Piece.NUMBER and reading.free(at) for at in near)
    if not counted or not others - {service}:
        return False
    return any(
        name.kind == "key" and service in name.value.split(".") and _numeric(reading, name.value)
        for at in near
        if at != place
        for name in reading.unit(at).names
    )


def _numeric(reading: Reading, key: str) -> bool:
    found = reading.catalog.attributes.get(key)
    return found is not None and found.numeric


def _part_of_value(reading: Reading, place: int) -> bool:
    """Whether a word only completes a value near it: 결제 of 카카오페이 결제, whose key is of payments."""
    services = {name.value for name in reading.unit(place).names if name.kind == "service"}
    for at in range(max(place - 3, 0), min(place + 4, len(reading.units))):
        for name in reading.unit(at).names if at != place else ():
            if name.kind == "value" and name.weight >= 0.9 and services & set(name.key.split(".")):
                return True
    return False


def read_kinds(reading: Reading) -> None:
    """``postgres queries``, ``DB 호출``, ``consumer spans``."""
    for place in reading.places("kind"):
        kind = str(reading.unit(place).value("kind"))
        if reading.unit(place).names and kind == "database" and reading.unit(place + 1).has("group"):
            continue
        if reading.unit(place).has("filler") and kind != "database":
            continue
        if kind == "database":
            if not any(
                clause.field in ("db.system", "db.operation.name") for clause in reading.meaning.clauses
            ):
                reading.add(Clause("db.system", "exists", at=place), place)
        else:
            reading.add(Clause("SpanKind", "=", (_KINDS[kind],), at=place))
        reading.use(place)
        reading.meaning.spans = True


def read_values(reading: Reading) -> None:
    """Values of attributes: 한국, kakaopay, POST, /api/checkout, v2.4.0, node-3."""
    for place, unit in enumerate(reading.units):
        if not reading.free(place):
            continue
        if unit.piece is Piece.PATH:
            _path(reading, place)
            continue
        if unit.piece is Piece.VERSION:
            reading.add(Clause("service.version", "=", (unit.key.removeprefix("v"),), at=place), place)
            _use_key(reading, place, "service.version")
            continue
        if _is_group(reading, place) or unit.has("signal") or unit.has("level"):
            continue
        value = reading.name(place, ("value",))
        if value is None or value.weight < _SURE or _common(reading, place, value.value):
            continue
        key = _key_beside(reading, place, value.value) or value.key
        real = next(
            (name.value for name in unit.names if name.kind == "value" and name.key == key), value.value
        )
        if not _available(reading, key):
            text = real.replace("_", " ")
            asked = key == "error.type" or reading.unit(place - 1).has("not")
            if (
                reading.meaning.signal == "logs" and asked and reading.catalog.says(text)
            ):  # 연결 거부: what logs say of it; but not redis
                reading.add(Clause("", "=", (text,), at=place), place)
            continue
        reading.add(Clause(key, "=", (real,), at=place), place)
        _use_key(reading, place, key)


def _path(reading: Reading, place: int) -> None:
    text = reading.unit(place).text
    route = any(
        text in found.values for key, found in reading.catalog.attributes.items() if key == "http.route"
    )
    key = "http.route" if route or "http.route" in reading.catalog.attributes else "url.path"
    if not route and text in getattr(reading.catalog.attributes.get("url.path"), "values", {}):
        key = "url.path"
    reading.add(Clause(key, "=", (text,), at=place), place)
    _use_key(reading, place, key)


def _common(reading: Reading, place: int, value: str) -> bool:
    """A value that is an everyday word is meant only beside its key, or as it is written."""
    unit = reading.unit(place)
    if unit.text == value and value.isupper():
        return False
    attribute = reading.catalog.attributes.get(unit.names[0].key)
    if attribute is not None and attribute.resource and reading.unit(place + 1).has("signal", "services"):
        return False  # Go services
    if unit.has("filler") or unit.has("measure") or unit.has("which"):
        return _key_beside(reading, place, value) is None
    if unit.senses and unit.text not in (value, value + "s") and not _key_beside(reading, place, value):
        return True
    if unit.piece is Piece.WORD and unit.key in (
        "orders",
        "process",
        "send",
        "shop",
        "true",
        "false",
        "none",
        "free",
    ):
        return _key_beside(reading, place, value) is None and unit.key != "free"
    return False


def _key_beside(reading: Reading, place: int, value: str) -> str | None:
    """The key that a value was said with: ``결제수단이 카드``, ``gold tier``, ``app.country=KR``."""
    keys = {name.key for name in reading.unit(place).names if name.kind == "value"}
    for at in (*range(place - 1, max(place - 4, -1), -1), place + 1, place + 2):
        if at < 0 or (
            abs(at - place) > 1
            and not all(_passes(reading, between) for between in range(min(at, place) + 1, max(at, place)))
        ):
            continue
        for name in reading.unit(at).names:
            if name.kind == "key" and name.value in keys:
                return name.value
    return None


def _passes(reading: Reading, place: int) -> bool:
    return (
        reading.little(place)
        or reading.unit(place).has("compare", "=")
        or reading.unit(place).key in ("is", "=", ":")
    )


def _use_key(reading: Reading, place: int, key: str) -> None:
    for at in (place - 1, place - 2, place - 3, place + 1, place + 2):
        if not reading.free(at) or reading.unit(at + 1).has("group", "after"):
            continue
        low, high = sorted((at, place))
        if not all(_passes(reading, between) for between in range(low + 1, high)):
            continue
        if any(name.kind == "key" and name.value == key for name in reading.unit(at).names):
            reading.use(at)
            return


def _available(reading: Reading, key: str) -> bool:
    """Whether rows of the signal can carry a key; logs of a request carry their resource's keys alone."""
    found = reading.catalog.attributes.get(key)
    signal = "logs" if reading.meaning.signal == "logs" else "traces"
    return (
        found is None or signal in found.signals or (reading.meaning.signal == "metrics" and found.resource)
    )


def _befell(reading: Reading, place: int) -> bool:
    """Whether a verb only says that what the text names came up: ``NullPointerException 터진 로그``."""
    texts = {clause.at for clause in reading.meaning.clauses if clause.field == ""}
    return reading.unit(place).key.startswith(("터", "깨", "나")) and reading.before(place) in texts


def read_statuses(reading: Reading) -> None:
    """실패한, failed, 성공한; of spans also 에러."""
    meaning = reading.meaning
    for place in reading.places("status"):
        value = str(reading.unit(place).value("status"))
        if meaning.signal == "logs":
            leveled = any(clause.field == "level" for clause in meaning.clauses)  # 터진 fatal 로그
            if value == "error" and not leveled and not _befell(reading, place):
                reading.add(Clause("level", "=", ("error", "fatal"), at=place), place)
            else:
                reading.use(place)
        elif meaning.signal == "traces":
            ok = value == "ok"
            typed = any(clause.field == "error.type" and not clause.negated for clause in meaning.clauses)
            if typed and reading.unit(place).key.startswith(("에러", "오류")):
                reading.use(place)  # connection_reset 에러 난: the type says it
                continue
            reading.add(Clause("status", "=", ("error",), negated=ok, at=place), place)

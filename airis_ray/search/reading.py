"""The state of a question's reading: its units, which of them are explained, and what they meant so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from airis_ray.search.catalog import Catalog
from airis_ray.search.instants import Times
from airis_ray.search.meaning import Clause, Meaning
from airis_ray.search.names import Name
from airis_ray.search.tokens import Piece
from airis_ray.search.units import Unit

NOTHING = Unit(Piece.SIGN, "", "", -1, -1, False)


@dataclass
class Reading:
    """What the rules share. ``used`` holds the places that a rule explained."""

    question: str
    units: list[Unit]
    catalog: Catalog
    times: Times
    meaning: Meaning = field(default_factory=Meaning)
    used: set[int] = field(default_factory=set)

    def unit(self, place: int) -> Unit:
        """The unit at a place; an empty one outside."""
        return self.units[place] if 0 <= place < len(self.units) else NOTHING

    def free(self, place: int) -> bool:
        """Whether there is a unit that no rule has explained."""
        return 0 <= place < len(self.units) and place not in self.used and place not in self.times.used

    def use(self, *places: int) -> None:
        """Count these as explained."""
        self.used.update(places)

    def places(self, kind: str, value: str | None = None) -> list[int]:
        """Where free units have this sense."""
        return [place for place, unit in enumerate(self.units) if self.free(place) and unit.has(kind, value)]

    def any(self, kind: str, *values: str) -> bool:
        """Whether the question has a word of this sense, explained or not (but not as a time)."""
        return any(
            unit.has(kind, value)
            for place, unit in enumerate(self.units)
            if place not in self.times.used
            for value in (values or (None,))
        )

    def little(self, place: int) -> bool:
        """Whether a unit says nothing by itself: a particle, a filler, a sign."""
        unit = self.unit(place)
        if place < 0 or place >= len(self.units) or place in self.times.used:
            return False
        if unit.particle or unit.piece is Piece.SIGN:
            return True
        return (
            bool(unit.senses)
            and all(sense.kind in ("filler", "near", "contains") for sense in unit.senses)
            and not unit.names
        )

    def before(self, place: int, *, reach: int = 3) -> int:
        """The nearest place on the left that says something; -1 where there is none within reach."""
        for at in range(place - 1, max(place - 1 - reach, -1), -1):
            if not self.little(at):
                return at if at >= 0 else -1
        return -1

    def after(self, place: int, *, reach: int = 3) -> int:
        """The nearest place on the right that says something; -1 where there is none within reach."""
        for at in range(place + 1, min(place + 1 + reach, len(self.units))):
            if not self.little(at):
                return at
        return -1

    def add(self, clause: Clause, *places: int) -> None:
        """A condition, explained by these places."""
        self.meaning.clauses.append(clause)
        self.use(*places)

    def name(self, place: int, kinds: Iterable[str]) -> Name | None:
        """The best name of these kinds that a unit has here, by weight and by what the question speaks of."""
        names = [name for name in self.unit(place).names if name.kind in kinds]
        return max(names, key=lambda name: (name.weight, self._fits(name)), default=None)

    def _fits(self, name: Name) -> float:
        """How well a key or value fits the services of the question and is known of spans or logs at large."""
        key = name.key or name.value
        found = self.catalog.attributes.get(key)
        if found is None:
            return 0.0
        carried = (
            bool(found.services & set(self.meaning.services))
            if self.meaning.services and found.services
            else False
        )
        resource = 0.5 if found.resource else 0.0
        rank = _PREFERRED.index(key) if key in _PREFERRED else len(_PREFERRED)
        return 2.0 * carried + resource - rank / 100

    def words(self, first: int, last: int) -> str:
        """The question's own words from one place to another."""
        return self.question[self.units[first].start : self.units[last].end]


_PREFERRED = (
    "deployment.environment.name", "app.country", "app.payment.method", "app.user.tier", "http.route",
    "http.request.method", "http.response.status_code", "user_agent.name", "cloud.region", "db.system",
    "messaging.system", "telemetry.sdk.language", "k8s.node.name", "k8s.pod.name", "service.version",
    "error.type", "app.user.id",
)  # fmt: skip
"""Of keys that fit alike, the one that people mean first."""

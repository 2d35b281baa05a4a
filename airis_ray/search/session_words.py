"""Conditions on browser sessions."""

from __future__ import annotations

from airis_ray.search.meaning import Clause
from airis_ray.search.reading import Reading


def read_sessions(reading: Reading) -> None:
    """Conditions on browser sessions that name what is there: rage clicks, console errors."""
    meaning = reading.meaning
    said = {clause.field for clause in meaning.clauses}
    for place in reading.places("session"):
        name = str(reading.unit(place).value("session"))
        if name not in said and name not in ("duration", "pages", "clicks"):
            meaning.clauses.append(Clause(name, ">", ("0",), at=place))
            said.add(name)
        reading.use(place)
    for place in [*reading.places("level", "error"), *reading.places("status", "error")]:
        if "errors" not in said and "console_errors" not in said:
            meaning.clauses.append(Clause("errors", ">", ("0",), at=place))
            said.add("errors")
        reading.use(place)

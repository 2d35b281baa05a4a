"""The public cases of multi-dimensional root causes: real ones (RS) and synthetic ones (S40)."""

from __future__ import annotations

import csv
import gzip
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from airis_ray.delta import explain_ratios, explain_sums
from airis_ray.delta.cube import Cause, Cube
from airis_ray.delta.explain_ratios import Before

Combination = frozenset[tuple[str, str]]
_HISTORY = 4
"""Minutes before the anomaly that the real cases are compared with, as in the literature."""
AIMS = {"RS": 0.60, "S40": 0.85}
SECONDS = 0.3


@dataclass(frozen=True)
class Problem:
    """A case: its name, the combinations that are right, and what finds some."""

    name: str
    right: frozenset[Combination]
    solve: Callable[[], Sequence[Cause]]


@dataclass(frozen=True)
class Case:
    """A case: its name, the combinations that are right, those that were found, and the time it took."""

    name: str
    right: frozenset[Combination]
    found: frozenset[Combination]
    seconds: float


def solved(problem: Problem) -> Case:
    """A problem with what is found of it."""
    start = time.perf_counter()
    found = frozenset(frozenset(cause.combination.items()) for cause in problem.solve())
    return Case(problem.name, problem.right, found, time.perf_counter() - start)


def f1(cases: Sequence[Case]) -> float:
    """F1 over all combinations of all cases."""
    hits = sum(len(case.right & case.found) for case in cases)
    return 2 * hits / max(1, sum(len(case.right) + len(case.found) for case in cases))


def measure(folder: Path) -> bool:
    """Print F1 and seconds of both sets; whether the aims are kept. True where there is no data."""
    if not folder.is_dir():
        print(f"there is no {folder}: name the folder with --data")
        return True
    kept = True
    for name, problems in (("RS", real(folder / "RS")), ("S40", synthetic(folder / "S40"))):
        cases = [solved(problem) for problem in problems]
        halves = [f1(cases[start::2]) for start in (0, 1)]
        seconds = sorted(case.seconds for case in cases)
        print(
            f"multidim {name}: F1 {f1(cases):.3f} over {len(cases)} cases (aim {AIMS[name]:.2f}; halves "
            f"{halves[0]:.3f}, {halves[1]:.3f}); {np.mean(seconds):.3f} s a case, at most {seconds[-1]:.3f}"
        )
        kept &= f1(cases) >= AIMS[name] and float(np.mean(seconds)) <= SECONDS
    return kept


def real(folder: Path) -> Iterator[Problem]:
    """Stalls of plays, by minute: a ratio."""
    for each in yaml.safe_load((folder / "anomaly.yaml").read_text(encoding="utf-8")):
        path = folder / f"{each['data']}.csv"
        if not path.is_file():
            continue  # the list names more cases than the folder has
        with path.open(encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        causes = each["cause"] if isinstance(each["cause"], list) else [each["cause"]]
        right = frozenset(frozenset((key, str(value)) for key, value in cause.items()) for cause in causes)
        yield Problem(each["data"], right, _real(rows, int(each["timestamp"])))


def _real(rows: Sequence[Mapping[str, str]], at: int) -> Callable[[], Sequence[Cause]]:
    dimensions = [key for key in rows[0] if key not in ("min", "value", "cnt")]
    sums: dict[tuple[str, ...], list[float]] = {}
    for row in rows:
        minute = int(row["min"])
        if at - 60 * _HISTORY <= minute <= at:
            leaf = sums.setdefault(tuple(row[key] for key in dimensions), [0.0] * 4)
            first = 0 if minute < at else 2
            weight = 1 / _HISTORY if minute < at else 1.0
            leaf[first] += float(row["value"]) * weight
            leaf[first + 1] += float(row["cnt"]) * weight
    columns = dict(zip(dimensions, zip(*sums, strict=True), strict=True))
    before, rows_before, now, rows_now = (column.tolist() for column in np.array(list(sums.values())).T)
    return lambda: explain_ratios.explain_ratio(Cube(columns), Before(before, rows_before), now, rows_now)


def synthetic(folder: Path) -> Iterator[Problem]:
    """A sum and its forecast, of a generator."""
    with (folder / "injection_info.csv").open(encoding="utf-8") as lines:
        sets = {row["timestamp"]: row["set"] for row in csv.DictReader(lines)}
    for path in sorted(folder.glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            header, *rows = csv.reader(lines)
        columns: list[Any] = list(zip(*rows, strict=True))
        name = path.name.partition(".")[0]
        right = frozenset(_parsed(each) for each in sets[name].split(";"))
        yield Problem(name, right, _synthetic(header, columns))


def _synthetic(header: Sequence[str], columns: Sequence[Any]) -> Callable[[], Sequence[Cause]]:
    actual, expected = ([float(value) for value in columns[header.index(key)]] for key in ("real", "predict"))
    values = {key: columns[header.index(key)] for key in header if key not in ("real", "predict")}
    return lambda: explain_sums.explain_sum(Cube(values), expected, actual)


def _parsed(combination: str) -> Combination:
    return frozenset(
        (key, value) for key, _, value in (each.partition("=") for each in combination.split("&"))
    )

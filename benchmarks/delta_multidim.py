"""The public cases of multi-dimensional root causes: real ones (RS) and synthetic ones (S40)."""

from __future__ import annotations

import csv
import gzip
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from airis_ray.delta.cube import Cause, Cube
from airis_ray.delta.explain_ratios import Before, explain_ratio
from airis_ray.delta.explain_sums import explain_sum

Combination = frozenset[tuple[str, str]]
_HISTORY = 4
"""Minutes before the anomaly that the real cases are compared with, as in the literature."""
AIMS = {"RS": 0.60, "S40": 0.85}
SECONDS = 0.3


@dataclass(frozen=True)
class Case:
    """A case: its name, the combinations that are right, those that were found, and the time it took."""

    name: str
    right: frozenset[Combination]
    found: frozenset[Combination]
    seconds: float


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
    for name, cases in (("RS", list(real(folder / "RS"))), ("S40", list(synthetic(folder / "S40")))):
        halves = [f1(cases[start::2]) for start in (0, 1)]
        seconds = sorted(case.seconds for case in cases)
        print(
            f"multidim {name}: F1 {f1(cases):.3f} over {len(cases)} cases (aim {AIMS[name]:.2f}; halves "
            f"{halves[0]:.3f}, {halves[1]:.3f}); {np.mean(seconds):.3f} s a case, at most {seconds[-1]:.3f}"
        )
        kept &= f1(cases) >= AIMS[name] and float(np.mean(seconds)) <= SECONDS
    return kept


def real(folder: Path) -> Iterator[Case]:
    """Stalls of plays, by minute: a ratio."""
    for each in yaml.safe_load((folder / "anomaly.yaml").read_text(encoding="utf-8")):
        path = folder / f"{each['data']}.csv"
        if not path.is_file():
            continue  # the list names more cases than the folder has
        with path.open(encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        causes = each["cause"] if isinstance(each["cause"], list) else [each["cause"]]
        right = frozenset(frozenset((key, str(value)) for key, value in cause.items()) for cause in causes)
        yield _real(each["data"], rows, int(each["timestamp"]), right)


def _real(name: str, rows: Sequence[Mapping[str, str]], at: int, right: frozenset[Combination]) -> Case:
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
    before, rows_before, now, rows_now = np.array(list(sums.values())).T
    start = time.perf_counter()
    causes = explain_ratio(
        Cube(columns), Before(before.tolist(), rows_before.tolist()), now.tolist(), rows_now.tolist()
    )
    return Case(name, right, _named(causes), time.perf_counter() - start)


def synthetic(folder: Path) -> Iterator[Case]:
    """A sum and its forecast, of a generator."""
    with (folder / "injection_info.csv").open(encoding="utf-8") as lines:
        sets = {row["timestamp"]: row["set"] for row in csv.DictReader(lines)}
    for path in sorted(folder.glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            header, *rows = csv.reader(lines)
        columns: list[Any] = list(zip(*rows, strict=True))
        name = path.name.partition(".")[0]
        actual, expected = (
            [float(value) for value in columns[header.index(key)]] for key in ("real", "predict")
        )
        values = {key: columns[header.index(key)] for key in header if key not in ("real", "predict")}
        right = frozenset(_parsed(each) for each in sets[name].split(";"))
        start = time.perf_counter()
        causes = explain_sum(Cube(values), expected, actual)
        yield Case(name, right, _named(causes), time.perf_counter() - start)


def _parsed(combination: str) -> Combination:
    return frozenset(
        (key, value) for key, _, value in (each.partition("=") for each in combination.split("&"))
    )


def _named(causes: Sequence[Cause]) -> frozenset[Combination]:
    return frozenset(frozenset(cause.combination.items()) for cause in causes)

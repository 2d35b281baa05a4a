"""What the public cases of multi-dimensional root causes say where statistic and constants are chosen without them.

For each day of the real cases (RS) the statistic and the constants are those that do best on all other days; for each
synthetic case (S40) the constants are those that do best on all other cases. What is then found of the days and cases
left out is scored together: the figure that one may expect of cases that nobody has seen.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np

from airis_ray.delta import explain_ratios, explain_sums
from airis_ray.delta.cube import Floats
from benchmarks.delta_multidim import AIMS, Case, Problem, f1, real, solved, synthetic

Choice = tuple[tuple[str, Any], ...]


def _excess(came: Floats, expected: Floats) -> Floats:
    """Events more than expected: what a ranking by contribution takes."""
    return np.maximum(came - expected, 0.0)


def _deviations(came: Floats, expected: Floats) -> Floats:
    """The excess in standard deviations of a Poisson count."""
    return _excess(came, expected) / np.sqrt(expected + 1.0)


def _scan(came: Floats, expected: Floats) -> Floats:
    """The log likelihood ratio of Poisson counts (Kulldorff 1997)."""
    logarithm = np.log(np.maximum(came, 1e-9) / np.maximum(expected, 1e-9))
    return np.where(came > expected, came * logarithm - (came - expected), 0.0)


_STATISTICS: Final[Mapping[str, Callable[[Floats, Floats], Floats]]] = {
    "divergence": explain_ratios._gain,
    "scan": _scan,
    "excess": _excess,
    "deviations": _deviations,
}
_RATIOS: Final = {"_gain": tuple(_STATISTICS), "_PRIOR": (1.0, 2.5, 5.0, 10.0), "_SHARE": (0.3, 0.5, 0.7)}
_SUMS: Final = {"_CERTAIN": (0.0, 3.0, 6.0), "_PRIOR_SPREAD": (0.05, 0.1, 0.2)}


def measure(folder: Path) -> bool:
    """Print the F1 of both sets; whether the aims are kept. True where there is no data."""
    if not folder.is_dir():
        print(f"there is no {folder}: name the folder with --data")
        return True
    ratios, sums = list(real(folder / "RS")), list(synthetic(folder / "S40"))
    kept = _held_out("RS", "day", ratios, explain_ratios, _RATIOS, lambda name: name.replace("-", "")[:8])
    return _held_out("S40", "case", sums, explain_sums, _SUMS, lambda name: name) and kept


def _held_out(
    name: str,
    part: str,
    problems: Sequence[Problem],
    module: Any,
    grid: Mapping[str, Sequence[Any]],
    part_of: Callable[[str], str],
) -> bool:
    """Score every part of the cases with what does best on the other parts."""
    choices: list[Choice] = [
        tuple(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())
    ]
    results = {choice: _results(problems, module, choice) for choice in choices}
    parts = [part_of(problem.name) for problem in problems]
    cases: list[Case] = []
    chosen: Counter[Choice] = Counter()
    for left_out in sorted(set(parts)):
        others = [at for at, each in enumerate(parts) if each != left_out]
        best = max(choices, key=lambda choice: f1([results[choice][at] for at in others]))
        chosen[best] += 1
        cases += [results[best][at] for at, each in enumerate(parts) if each == left_out]
    (most, times), own = chosen.most_common(1)[0], sum(chosen.values())
    print(
        f"held out, {name}: F1 {f1(cases):.3f} over {len(cases)} cases, each {part} scored with what does best on the"
        f" other {own - 1} of {own} (aim {AIMS[name]:.2f}); of {len(choices)} choices {dict(most)} is taken {times} x"
    )
    return f1(cases) >= AIMS[name]


def _results(problems: Sequence[Problem], module: Any, choice: Choice) -> list[Case]:
    constants: dict[str, Any] = {
        name: _STATISTICS[value] if name == "_gain" else value for name, value in choice
    }
    with mock.patch.multiple(module, **constants):
        return [solved(problem) for problem in problems]

"""Event deltas: false alarms on groups that are alike, planted causes, speed, and which combination explains a change.

    python -m benchmarks.delta --rows 1000000 --data ../shared/data

``--only`` runs one part of ``null planted speed multidim heldout``. Groups of the first two are made up in memory: 20
attributes, from two values to ids, three numbers, one that is absent now and then, two that say the same. The third
writes spans into the embedded engine; the peer is a scan of the same columns that does nothing with them.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from airis_ray.delta.analysis import counted, findings, planned
from airis_ray.delta.exact import fisher
from airis_ray.delta.sample import Sampler, Values
from benchmarks import delta_heldout, delta_multidim, delta_speed
from benchmarks.report import machine

Rng = np.random.Generator
SIZES = (
    *((10, 10), (20, 20), (10, 1_000), (50, 50), (200, 200)),
    *((1_000, 1_000), (10_000, 10_000), (100_000, 100_000)),
)
SHARES = (0.04, 0.1, 0.3, 1.0)
GROUP = 10_000
"""Events of each group that a cause is planted in, unless said otherwise."""
_PARTS = ("null", "planted", "speed", "multidim", "heldout")
KINDS = ("single", "pair", "numeric", "absent")
_VALUES = (2, 2, 3, 4, 4, 5, 8, 8, 10, 12, 20, 50, 200, 2_000)
_COMMON = (3, 4, 5, 6, 7)
"""Attributes of four to eight values: pairs are planted among these."""


class World:
    """Attributes of rows, as numbers of values: 0 is absent."""

    def __init__(self, rng: Rng, rows: int) -> None:
        self.codes: dict[str, NDArray[np.int64]] = {}
        self.numbers = {f"number{at}": np.round(rng.lognormal(3, 1, rows), 2) for at in range(3)}
        for at, values in enumerate(_VALUES):
            weights = 1 / np.arange(1, values + 1) ** rng.uniform(0, 1.2)
            self.codes[f"key{at}"] = rng.choice(values, rows, p=weights / weights.sum()) + 1
        self.codes["sometimes"] = np.where(rng.random(rows) < 0.4, 0, rng.integers(1, 4, rows))
        self.codes["id"] = rng.permutation(rows) + 1
        self.codes["twin"] = self.codes["key10"].copy()

    def values(self) -> list[Values]:
        """As the sample of a store gives them."""
        found = []
        for at, (key, codes) in enumerate(self.codes.items()):
            rows = np.flatnonzero(codes)
            if rows.size:
                used, values = np.unique(codes[rows], return_inverse=True)
                names = [f"v{code}" for code in used]
                found.append(
                    Values((1, at), key, rows, values.astype(np.int32), names, used.astype(np.uint64))
                )
        for key, numbers in self.numbers.items():
            used_numbers, values = np.unique(numbers, return_inverse=True)
            names = [repr(float(number)) for number in used_numbers]
            hashes = np.arange(len(names), dtype=np.uint64)
            found.append(
                Values((1, len(found)), key, np.arange(len(numbers)), values.astype(np.int32), names, hashes)
            )
        return found

    def plant(self, rng: Rng, kind: str, hit: NDArray[np.bool_]) -> tuple[set[str], NDArray[np.bool_]]:
        """Make rows have a cause; the keys that name it, and which rows meet it: those and others that do by chance.

        Values of single causes are rare or new elsewhere.
        """
        if kind == "numeric":
            key = f"number{rng.integers(3)}"
            self.numbers[key][hit] = np.round(self.numbers[key][hit] * 30, 2)
            return {key}, self.numbers[key] >= 10 * np.exp(3)
        if kind == "pair":
            keys = [f"key{at}" for at in rng.choice(_COMMON, 2, replace=False)]
            met = np.ones(len(hit), np.bool_)
            for key in keys:
                both = rng.integers(1, self.codes[key].max() + 1)
                self.codes[key][hit] = both
                met &= self.codes[key] == both
            return {" + ".join(sorted(keys))}, met
        key = f"key{rng.integers(len(_VALUES) - 1)}"
        value = 0 if kind == "absent" else 9_999
        self.codes[key][hit] = value
        if key == "key10":
            self.codes["twin"] = self.codes[key].copy()
        return {key, "twin"} if key == "key10" else {key}, self.codes[key] == value


def first_of(world: World, target: NDArray[np.bool_]) -> str | None:
    """The key of the first significant finding, None where nothing is."""
    sampler = Sampler(target, ~target)
    for values in world.values():
        sampler.add(values, values.key)
    sample = sampler.sample()
    plan = planned(sample)
    for found in findings(plan, counted(sample, plan)):
        if found.significant:
            numbers = [found.values[0].claim.attribute, *([] if found.second is None else [found.second])]
            return " + ".join(sorted(plan.attributes[at].key for at in numbers))
    return None


def null(answers: int, seed: int) -> bool:
    """Groups that are alike, of every size."""
    rng = np.random.default_rng(seed)
    kept = True
    for n, m in SIZES:
        runs = answers if n + m < 5_000 else max(20, answers // (5 if n < 50_000 else 10))
        alarms = 0
        start = time.perf_counter()
        for _ in range(runs):
            target = np.arange(n + m) < n
            alarms += first_of(World(rng, n + m), target) is not None
        took = (time.perf_counter() - start) / runs
        print(
            f"null, {n:,} against {m:,}: {alarms} of {runs} answers show something significant ({took:.2f} s each)"
        )
        kept &= alarms <= max(0.05 * runs, 2)
    return kept


def planted(answers: int, seed: int, groups: Sequence[int], kinds: Sequence[str]) -> bool:
    """Causes of every kind and share beside a harmless drift, among so many events on each side.

    The peer is an oracle that knows the cause and tests nothing else, at 5 %: what it does not see, nobody can.
    """
    rng = np.random.default_rng(seed)
    kept = True
    for group, kind, share in itertools.product(groups, kinds, SHARES):
        target = np.arange(2 * group) < group
        hits = seen = 0
        for _ in range(answers):
            world = World(rng, 2 * group)
            drifted = target & (rng.random(2 * group) < 0.1)
            world.codes["key0"][drifted] = 1
            causes, met = world.plant(rng, kind, target & (rng.random(2 * group) < share))
            hits += first_of(world, target) in causes
            seen += float(fisher((met & target).sum(), group, (met & ~target).sum(), group)[0]) <= 0.05
        print(
            f"planted {kind}, share {share:.0%}, {group:,} events each: first in {hits} of {answers};"
            f" an oracle that tests the cause alone sees {seen}",
            flush=True,
        )
        kept &= hits >= 0.95 * answers
    return kept


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; 1 where an aim is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000, help="spans of the speed part")
    parser.add_argument("--store", type=Path, help="folder that keeps those spans for a next time")
    parser.add_argument(
        "--group", type=int, action="append", help="events of each group with a planted cause; repeatable"
    )
    parser.add_argument("--answers", type=int, default=200, help="made-up comparisons of a kind")
    parser.add_argument("--kind", choices=KINDS, action="append", help="of planted causes; repeatable")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of multidim/")
    parser.add_argument("--only", choices=_PARTS, action="append")
    args = parser.parse_args(arguments)
    parts: dict[str, Any] = {
        "null": lambda: null(args.answers, args.seed),
        "planted": lambda: planted(
            max(20, args.answers // 4), args.seed, args.group or (GROUP,), args.kind or KINDS
        ),
        "speed": lambda: asyncio.run(delta_speed.measure(args.rows, args.store)),
        "multidim": lambda: delta_multidim.measure(args.data / "multidim"),
        "heldout": lambda: delta_heldout.measure(args.data / "multidim"),
    }
    print(machine())
    kept = [parts[name]() for name in args.only or parts]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())

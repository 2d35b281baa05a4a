"""The shop's days and weeks, its pods and their deployments, and what holds for pieces of the engine."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from airis_ray.demo.chance import generator, lognormal, pick
from airis_ray.demo.fleet import Fleet, Rollout
from airis_ray.demo.plan import Plan
from airis_ray.demo.rows import MAX_RECORDS, Rows, head, pack
from airis_ray.demo.season import DAY, NS, Season
from airis_ray.demo.wire import pool
from airis_ray.demo.world.operations import ROUTES
from airis_ray.demo.world.services import INDEX

START = int(datetime(2026, 10, 25, 15, tzinfo=UTC).timestamp()) * NS
"""Midnight in Korea, a Monday."""


def _hour(season: Season, day: int, hour: int) -> float:
    times = START + (day * DAY + hour * 3600 + np.arange(0, 3600, 60)) * NS
    return float(season.intensity(times).mean())


def test_a_day_sleeps_at_four_and_peaks_in_the_evening() -> None:
    season = Season(1)
    day = [_hour(season, 1, hour) for hour in range(24)]
    assert int(np.argmin(day)) in (3, 4, 5)
    assert int(np.argmax(day)) in (19, 20, 21)
    assert max(day) / min(day) > 6


def test_weekends_are_busier_and_the_mean_is_one() -> None:
    season = Season(2)
    assert _hour(season, 5, 14) > 1.05 * _hour(season, 2, 14)
    times = START + np.arange(0, 28 * DAY, 300) * NS
    assert season.intensity(times).mean() == pytest.approx(1.0, abs=0.08)


def test_shares_of_the_routes_are_one() -> None:
    assert sum(route.weight for route in ROUTES) == pytest.approx(1.0)


def test_pods_are_replaced_by_new_versions_one_after_the_other() -> None:
    fleet = Fleet(4, START, START + 16 * DAY * NS)
    frontend = [pod for pod in fleet.pods if pod.name.startswith("frontend-")]
    versions = sorted({pod.version for pod in frontend})
    assert len(versions) >= 3
    assert len({pod.name for pod in fleet.pods}) == len(fleet.pods)
    new = [pod.since for pod in frontend if pod.version == versions[-1]]
    assert len(set(new)) == len(new) == 7
    assert max(new) - min(new) < 3600 * NS
    assert {pod.version for pod in fleet.pods if pod.name.startswith("checkout-")} == {"2.3.9"}


def test_the_pod_of_a_slot_is_the_one_of_its_time() -> None:
    fleet = Fleet(4, START, START + 16 * DAY * NS)
    slots = np.repeat(np.arange(len(fleet.slots)), 50)
    times = np.tile(np.linspace(START, START + 16 * DAY * NS, 50).astype(np.int64), len(fleet.slots))
    for slot, time, pod in zip(
        slots.tolist(), times.tolist(), fleet.pods_at(slots, times).tolist(), strict=True
    ):
        since = [other.since for other in fleet.pods if other.slot == slot and other.since <= time]
        assert fleet.pods[pod].slot == slot
        assert fleet.pods[pod].since == (max(since) if since else fleet.pods[pod].since)


def test_a_rollout_takes_every_second_pod_and_is_taken_back() -> None:
    begin, end = START + 3600 * NS, START + 7200 * NS
    fleet = Fleet(4, START, START + DAY * NS, (Rollout(INDEX["checkout"], "2.4.0", begin, end),))
    slots = np.flatnonzero(fleet.service_of_slot == INDEX["checkout"])

    def versions(time: int) -> set[str]:
        pods = fleet.pods_at(slots, np.full(len(slots), time))
        return {fleet.pods[pod].version for pod in pods.tolist()}

    assert versions(begin - 1) == versions(end) == {"2.3.9"}
    assert versions(begin) == {"2.3.9", "2.4.0"}


def test_payloads_are_cut_by_records_and_keep_everything() -> None:
    count = 3 * MAX_RECORDS + 17
    rows = Rows(pool([b"\x12\x00"] * count), np.arange(count) % 3, np.arange(count))
    packed = list(pack("traces", rows, [head(b"", f"scope-{number}") for number in range(3)]))
    assert sum(payload.records for payload in packed) == count
    assert all(payload.records <= MAX_RECORDS for payload in packed)
    assert list(pack("traces", Rows.concat([]), [])) == []


def test_rows_wait_for_their_time() -> None:
    rows = Rows(pool([b"a", b"b", b"c"]), np.zeros(3, np.int64), np.array([1, 5, 3]))
    due, later = rows.before(4)
    assert (due.data.to_pylist(), later.data.to_pylist()) == ([b"a", b"c"], [b"b"])


def test_chance_depends_on_its_purpose_alone() -> None:
    assert generator(1, "a", 2).random() == generator(1, "a", 2).random() != generator(1, "b", 2).random()
    assert pick((0.5, 0.25, 0.25), np.array([0.0, 0.49, 0.5, 0.8, 1.0])).tolist() == [0, 0, 1, 2, 2]
    times = lognormal(generator(1, "t"), 20_000, 10.0, 0.4, 0.01)
    assert np.median(times) == pytest.approx(10.0, rel=0.03)
    assert np.quantile(times, 0.999) > 60


def test_plans_choose_blocks_by_rate() -> None:
    slow, fast = Plan.history(1, START, DAY, 0.1), Plan.history(1, START, DAY, 50)
    assert slow.block == 3600
    assert fast.block == 60
    assert Plan.live(1, START + 123).start == START

"""The metrics of a service together: little in several of them is told, with the metric that carried it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from airis_ray.aiops.detect import tails
from airis_ray.aiops.protocol import Scores, Told
from airis_ray.aiops.series import MINUTE, Floats
from airis_ray.aiops.watch.checkpoint import load_together, save_together
from airis_ray.aiops.watch.evidence import MOST, Members
from airis_ray.aiops.watch.findings import Finding, Subject
from airis_ray.aiops.watch.together import LEAST, MODEL, Alone, Together
from airis_ray.aiops.watch.tracking import Rules
from airis_ray.errors import InvalidInput

FIRST = 29_000_000
RULES = Rules(MINUTE, confirm=3)
METRICS = ("errors", "logs.error", "cpu.utilization", "memory.usage")
SUBJECTS = [Subject("cart", "metrics", metric) for metric in METRICS]
CALM = 3 * LEAST


def scores(size: Floats, side: float = 1.0) -> Scores:
    """As a detector that found evidence of ``size`` [n, t]."""
    score = (size / (size + tails.LIMIT)).astype(np.float32)
    flat = np.ones_like(score)
    told = Told(flat * 5, flat, flat * np.float32(side * 4))
    return Scores(score, flat, flat, flat, 0.5, 1e-5, (), (), told)


def usual(minutes: int, seed: int = 1, *, alike: bool = False) -> Floats:
    """Evidence of nothing: exponential; ``alike``: all metrics have the same."""
    rng = np.random.default_rng(seed)
    return rng.exponential(1.0, (1 if alike else len(METRICS), minutes)).repeat(
        len(METRICS) if alike else 1, axis=0
    )


class Run:
    """A service's minutes, one after another."""

    def __init__(self, *, subjects: list[Subject] = SUBJECTS, calm: Floats | None = None) -> None:
        self.together = Together("t")
        self.members: Members = self.together.members(subjects)
        self.minute = FIRST
        self.together.judge(FIRST * MINUTE, RULES, {}, [])
        self.calm = self.turn(usual(CALM) if calm is None else calm)

    def turn(self, size: Floats, side: float = 1.0, alone: list[Alone] | None = None) -> list[Finding]:
        self.together.take(self.members, scores(size, side), self.minute * MINUTE, MINUTE)
        self.minute += size.shape[1]
        return self.together.judge(self.minute * MINUTE, RULES, {}, alone or [])


def little(minutes: int = 1, *, of: int = 3, size: float = 9.0) -> Floats:
    """Less than any metric is told for by itself, of some of them; the first has the most."""
    found = np.full((len(METRICS), minutes), 0.5)
    found[:of] = size
    found[0] += 0.5
    return found


def test_what_no_metric_is_told_for_is_told_of_three() -> None:
    run = Run()
    assert run.calm == []
    assert [run.turn(little()) for _ in range(2)] == [[], []], "two minutes are not confirmed"
    (found,) = run.turn(little())
    assert (found.subject.service, found.subject.metric, found.model) == ("cart", "errors", MODEL)
    assert found.explanation.endswith("With it: logs.error, cpu.utilization.")
    assert found.explanation_ko.endswith("logs.error, cpu.utilization.")
    assert found.direction == "above"
    assert found.lasting
    (later,) = run.turn(little())
    assert later.id == found.id
    ended = [each for _ in range(8) for each in run.turn(usual(1, 9) * 0)]
    assert [each.id for each in ended] == [found.id]
    assert not ended[0].lasting


@pytest.mark.parametrize(
    ("size", "side"),
    [(little(4, of=1, size=MOST + 30), 1.0), (little(4), -1.0), (usual(4, 5), 1.0)],
    ids=["one metric, however much", "less of what costs", "nothing"],
)
def test_what_is_no_trouble_of_several_is_not_told(size: Floats, side: float) -> None:
    assert Run().turn(size, side) == []


def test_metrics_that_always_move_together_count_as_one() -> None:
    assert Run(calm=usual(CALM, 3, alike=True)).turn(little(4, size=5.5)) == []
    assert Run().turn(little(4, size=6.5))


def test_what_is_told_of_a_metric_by_itself_is_not_told_again() -> None:
    run = Run()
    alone = Alone("cart", run.minute * MINUTE, (run.minute + 4) * MINUTE)
    other = Alone("ad", alone.start, alone.end)
    assert run.turn(little(4), alone=[alone, other]) == []
    assert run.turn(little(4), alone=[alone]) == [], "nor just after"
    run.turn(usual(10, 8))
    assert run.turn(little(4))


def test_of_many_instances_the_most_unusual_must_be_more_so() -> None:
    many = [
        Subject("cart", "metrics", metric, labels=(("pod", str(n)),))
        for metric in METRICS
        for n in range(200)
    ]
    run = Run(subjects=many, calm=np.zeros((len(many), CALM)))
    size = np.zeros((len(many), 4))
    size[[0, 200, 400]] = 7.0
    assert run.turn(size) == []
    size[[0, 200, 400]] = 14.0
    assert run.turn(size)


def test_nothing_is_told_before_half_a_day_and_of_no_service() -> None:
    assert Run(calm=usual(LEAST - 10)).turn(little(4)) == []
    hosts = [Subject("", "metrics", metric) for metric in METRICS]
    assert Run(subjects=hosts).turn(little(4)) == []


def test_states_that_cannot_be_read_are_removed(tmp_path: Path) -> None:
    run = Run()
    run.turn(little(4))
    save_together({"t": run.together}, tmp_path)
    (tmp_path / "u.together").write_bytes(b"PK broken")
    (name, read), *others = load_together(tmp_path).items()
    assert (name, others) == ("t", [])
    assert read.save() == run.together.save()
    assert [path.name for path in tmp_path.iterdir()] == ["t.together"]


def test_a_saved_state_goes_on() -> None:
    one, other = Run(), Run()
    (found,) = one.turn(little(4))
    (same,) = other.turn(little(4))
    assert found == same
    other.together = Together.load(other.together.save())
    other.members = other.together.members(SUBJECTS)
    for size in (little(2), little(1, of=2, size=10.0), usual(9, 4)):
        assert one.turn(size) == other.turn(size)
    with pytest.raises(InvalidInput, match="together"):
        Together.load(b"nothing")


def test_minutes_that_another_source_has_not_reached_wait() -> None:
    run = Run()
    run.together.take(run.members, scores(little(4)), run.minute * MINUTE, MINUTE)
    assert run.together.judge((run.minute + 1) * MINUTE, RULES, {}, []) == []
    assert run.together.judge((run.minute + 4) * MINUTE, RULES, {}, [])

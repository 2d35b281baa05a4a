"""The critical path over hand-drawn traces; times in milliseconds."""

from __future__ import annotations

from airis_ray.analytics.critical_path import PathSpan, critical_path

MS = 1_000_000


def span(
    name: str,
    parent: str,
    start: float,
    end: float,
    *,
    kind: str = "Internal",
    process: str = "a",
) -> PathSpan:
    return PathSpan(name, parent, int(start * MS), int(end * MS), kind, process)


def test_no_spans_no_path() -> None:
    assert critical_path([]) == []


def test_children_one_after_the_other_are_all_on_it() -> None:
    spans = [span("root", "", 0, 100), span("second", "root", 50, 90), span("first", "root", 10, 40)]
    assert critical_path(spans) == ["root", "first", "second"]


def test_of_concurrent_children_the_last_to_finish_counts() -> None:
    spans = [span("root", "", 0, 100), span("short", "root", 10, 40), span("long", "root", 30, 90)]
    assert critical_path(spans) == ["root", "long"]


def test_what_finished_before_the_last_one_began_is_on_it_again() -> None:
    spans = [
        span("root", "", 0, 100),
        span("before", "root", 0, 29),
        span("beside", "root", 5, 60),
        span("last", "root", 30, 90),
        span("inner", "last", 40, 80),
    ]
    assert critical_path(spans) == ["root", "before", "last", "inner"]


def test_equal_ends_the_longer_child_decides() -> None:
    spans = [span("root", "", 0, 100), span("short", "root", 60, 90), span("long", "root", 20, 90)]
    assert critical_path(spans) == ["root", "long"]


def test_nobody_waits_for_a_child_that_outlives_its_parent() -> None:
    spans = [span("root", "", 0, 100), span("async", "root", 20, 300), span("sync", "root", 10, 30)]
    assert critical_path(spans) == ["root", "sync"]


def test_a_consumer_is_not_on_the_producers_path() -> None:
    spans = [
        span("root", "", 0, 100, kind="Server"),
        span("send", "root", 80, 95, kind="Producer"),
        span("receive", "send", 96, 99, kind="Consumer", process="b"),
    ]
    assert critical_path(spans) == ["root", "send"]


def test_a_call_given_up_counts_until_then() -> None:
    spans = [
        span("root", "", 0, 100),
        span("call", "root", 10, 60, kind="Client"),
        span("serve", "call", 12, 500, kind="Server", process="b"),
        span("early", "serve", 15, 30, process="b"),
        span("late", "serve", 20, 400, process="b"),
    ]
    assert critical_path(spans) == ["root", "call", "serve", "late"]


def test_another_clock_is_adjusted_with_everything_behind_it() -> None:
    spans = [
        span("root", "", 0, 100),
        span("call", "root", 10, 60, kind="Client"),
        span("serve", "call", 5012, 5052, kind="Server", process="b"),
        span("query", "serve", 5020, 5040, kind="Client", process="b"),
        span("after", "root", 61, 99),
    ]
    assert critical_path(spans) == ["root", "call", "serve", "query", "after"]


def test_the_root_is_the_true_one_though_an_orphan_is_longer() -> None:
    spans = [span("root", "", 0, 100), span("orphan", "missing", 0, 900), span("child", "root", 10, 20)]
    assert critical_path(spans) == ["root", "child"]


def test_without_a_root_the_longest_orphan_stands_for_it() -> None:
    spans = [span("short", "missing", 0, 5), span("long", "gone", 3, 50), span("child", "long", 10, 20)]
    assert critical_path(spans) == ["long", "child"]


def test_circles_and_self_parents_end() -> None:
    assert critical_path([span("a", "b", 0, 10), span("b", "a", 1, 9)]) == ["a", "b"]
    assert critical_path([span("a", "a", 0, 10)]) == ["a"]


def test_a_span_sent_twice_is_there_once() -> None:
    spans = [span("root", "", 0, 100), span("child", "root", 10, 20), span("child", "root", 10, 20)]
    assert critical_path(spans) == ["root", "child"]


def test_a_chain_of_thousands_is_no_recursion() -> None:
    size = 5000
    chain = [span("0", "", 0, 3 * size)]
    chain += [span(str(n), str(n - 1), n, 3 * size - n) for n in range(1, size)]
    assert critical_path(chain) == [str(n) for n in range(size)]

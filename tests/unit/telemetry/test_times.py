"""Times and durations in every form that callers write."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airis_ray.errors import InvalidInput
from airis_ray.telemetry.times import (
    LAST,
    SECOND,
    TimeRange,
    format_duration,
    format_time,
    format_times,
    parse_duration,
    parse_range,
    parse_time,
)

NOW = 1_762_300_800_000_000_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (NOW, NOW),
        (str(NOW), NOW),
        ("now", NOW),
        ("now-15m", NOW - 900 * SECOND),
        ("now-1d+1h30m", NOW - 82_800 * SECOND + 1800 * SECOND),
        ("now-1w", NOW - 604_800 * SECOND),
        ("now-0.5s", NOW - SECOND // 2),
        ("1970-01-01T00:00:00Z", 0),
        ("2025-11-05T00:00:00Z", NOW),
        ("2025-11-05t00:00:00z", NOW),
        ("2025-11-05 09:00:00+09:00", NOW),
        ("2025-11-04T19:00:00-05:00", NOW),
        ("2025-11-05T00:00:00.123456789Z", NOW + 123_456_789),
        ("2025-11-05T00:00:00.1Z", NOW + 100_000_000),
        ("2025-11-05T00:00:00.1234567899Z", NOW + 123_456_789),
        ("2016-12-31T23:59:60Z", 1_483_228_800 * SECOND),
    ],
)
def test_times(value: str | int, expected: int) -> None:
    assert parse_time(value, NOW) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "nowish",
        "now-",
        "now-5",
        "now-5 m",
        "2025-11-05",
        "2025-11-05T00:00:00",
        "2025-13-05T00:00:00Z",
        "2025-02-30T00:00:00Z",
        "2025-11-05T24:00:00Z",
        "2025-11-05T00:00:00+24:00",
        "٢٠٢٥-11-05T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2263-01-01T00:00:00Z",
        "now-100000w",
        "1.5",
        -1,
        LAST + 1,
    ],
)
def test_what_is_no_time_is_told_what_is(value: str | int) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_time(value, NOW, pointer="/from")
    assert caught.value.errors[0].pointer == "/from"
    assert "expected" in str(caught.value) or "1970 to 2262" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("15s", 15 * SECOND),
        ("5m", 300 * SECOND),
        ("1h", 3600 * SECOND),
        ("7d", 604_800 * SECOND),
        ("500ms", SECOND // 2),
        ("1.5us", 1500),
        ("1µs", 1000),
        ("1h30m", 5400 * SECOND),
        ("0s", 0),
    ],
)
def test_durations(value: str, expected: int) -> None:
    assert parse_duration(value) == expected


@pytest.mark.parametrize("value", ["", "5", "m", "-5m", "5 m", "5y", "1e3s", "999999999999w"])
def test_what_is_no_duration(value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_duration(value, pointer="/step")
    assert caught.value.errors[0].pointer == "/step"


def test_a_range_begins_before_it_ends() -> None:
    assert parse_range("now-1h", "now", NOW) == TimeRange(NOW - 3600 * SECOND, NOW)
    assert parse_range("now-1h", "now", NOW).length_ns == 3600 * SECOND
    with pytest.raises(InvalidInput, match="not before") as caught:
        parse_range("now", "now", NOW, pointer="/target")
    assert caught.value.errors[0].pointer == "/target/from"


@given(st.integers(0, LAST))
def test_what_is_written_is_read_back(time_ns: int) -> None:
    assert parse_time(format_time(time_ns), NOW) == time_ns


@settings(deadline=None)  # Arrow reads the time zones at the first use
@given(st.lists(st.none() | st.integers(0, LAST)))
def test_columns_are_written_as_single_times(times: list[int | None]) -> None:
    expected = [None if time is None else format_time(time) for time in times]
    for zone in (None, "UTC", "Asia/Seoul"):
        column = pa.array(times, pa.timestamp("ns", tz=zone))
        assert format_times(column).to_pylist() == expected
    assert format_times(pa.chunked_array([column])).to_pylist() == expected


def test_coarser_columns_have_nine_digits_too() -> None:
    column = pa.array([datetime(2025, 11, 5, tzinfo=UTC)], pa.timestamp("s", tz="UTC"))
    assert format_times(column).to_pylist() == ["2025-11-05T00:00:00.000000000Z"]


@given(st.integers(0, LAST))
def test_durations_are_read_back(duration: int) -> None:
    assert parse_duration(format_duration(duration)) == duration


def test_durations_are_short() -> None:
    assert [format_duration(n * SECOND) for n in (300, 90, 86400)] == ["5m", "90s", "1d"]

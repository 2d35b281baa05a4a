"""Time expressions of both languages: which range each means, on the wall clock of its zone."""

from __future__ import annotations

from datetime import datetime

import pytest

from airis_ray.errors import InvalidInput
from airis_ray.search.instants import Times
from airis_ray.search.names import Names
from airis_ray.search.periods import zone_of
from airis_ray.search.times import read_times
from airis_ray.search.units import units

NOW = "2026-11-05T14:20:00+09:00"  # a Thursday


def times(text: str, now: str = NOW, zone: str = "Asia/Seoul", *, compares: bool = False) -> Times:
    return read_times(units(text, Names()), datetime.fromisoformat(now), zone_of(zone), compares=compares)


RANGES = {
    "오늘": ("05T00:00", "05T14:20"),
    "금일 오전": ("05T00:00", "05T12:00"),
    "어제": ("04T00:00", "05T00:00"),
    "어제 하루 종일": ("04T00:00", "05T00:00"),
    "그제 오후": ("03T12:00", "04T00:00"),
    "사흘 전": ("02T00:00", "03T00:00"),
    "3일 전 오후 2시부터 3시까지": ("02T14:00", "02T15:00"),
    "최근 30분": ("05T13:50", "05T14:20"),
    "지난 두 시간 동안": ("05T12:20", "05T14:20"),
    "최근 1시간 30분": ("05T12:50", "05T14:20"),
    "최근 반시간": ("05T13:50", "05T14:20"),
    "최근 이틀": ("03T14:20", "05T14:20"),
    "24시간 이내": ("04T14:20", "05T14:20"),
    "이번 주": ("02T00:00", "05T14:20"),
    "이번주 화요일": ("03T00:00", "04T00:00"),
    "월요일부터": ("02T00:00", "05T14:20"),
    "오후 1시대": ("05T13:00", "05T14:00"),
    "오전 9시~11시": ("05T09:00", "05T11:00"),
    "어제 9시에서 10시 사이": ("04T09:00", "04T10:00"),
    "어제 오후 11시부터 1시까지": ("04T23:00", "05T01:00"),
    "어젯밤 10시부터 오늘 새벽 2시까지": ("04T22:00", "05T02:00"),
    "오늘 13:00~13:30": ("05T13:00", "05T13:30"),
    "오늘 정오부터": ("05T12:00", "05T14:20"),
    "오전 10시 이전": ("05T00:00", "05T10:00"),
    "2시간 전부터 1시간 전까지": ("05T12:20", "05T13:20"),
    "11월 3일 오후 3시 반부터 5시까지": ("03T15:30", "03T17:00"),
    "2026-11-03 09:00부터 2026-11-03 10:00까지": ("03T09:00", "03T10:00"),
    "today": ("05T00:00", "05T14:20"),
    "yesterday morning": ("04T00:00", "04T12:00"),
    "the day before yesterday": ("03T00:00", "04T00:00"),
    "last 15 minutes": ("05T14:05", "05T14:20"),
    "in the past 2 hours": ("05T12:20", "05T14:20"),
    "over the last half hour": ("05T13:50", "05T14:20"),
    "last hour": ("05T13:20", "05T14:20"),
    "past 90 min": ("05T12:50", "05T14:20"),
    "last 7 days": ("29T14:20", "05T14:20"),
    "this week": ("02T00:00", "05T14:20"),
    "last Tuesday": ("03T00:00", "04T00:00"),
    "on Monday": ("02T00:00", "03T00:00"),
    "since Tuesday": ("03T00:00", "05T14:20"),
    "since 9am": ("05T09:00", "05T14:20"),
    "since yesterday noon": ("04T12:00", "05T14:20"),
    "yesterday between 2 and 4pm": ("04T14:00", "04T16:00"),
    "between 10:15 and 11:45 today": ("05T10:15", "05T11:45"),
    "from 11am to 1pm yesterday": ("04T11:00", "04T13:00"),
    "yesterday 2-4pm": ("04T14:00", "04T16:00"),
    "yesterday from 11pm to 1am": ("04T23:00", "05T01:00"),
    "at 3pm yesterday": ("04T15:00", "04T16:00"),
    "before 8am": ("05T00:00", "05T08:00"),
    "on November 3rd": ("03T00:00", "04T00:00"),
    "Nov 3 from 9 to 10am": ("03T09:00", "03T10:00"),
    "2 days ago": ("03T00:00", "04T00:00"),
    "from 3 hours ago to 1 hour ago": ("05T11:20", "05T13:20"),
    "yesterday evening": ("04T18:00", "05T00:00"),
}


@pytest.mark.parametrize("text", RANGES)
def test_a_range(text: str) -> None:
    found = times(text).ranges
    start, end = (f"2026-1{0 if day.startswith('29') else 1}-{day}:00+09:00" for day in RANGES[text])
    assert [(each.start.isoformat(), each.end.isoformat()) for each in found] == [(start, end)]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("지난주", "2026-10-26T00:00:00+09:00", "2026-11-02T00:00:00+09:00"),
        ("last week", "2026-10-26T00:00:00+09:00", "2026-11-02T00:00:00+09:00"),
        ("지난주 금요일 저녁 7시~9시", "2026-10-30T19:00:00+09:00", "2026-10-30T21:00:00+09:00"),
        ("지난 주말", "2026-10-31T00:00:00+09:00", "2026-11-02T00:00:00+09:00"),
        ("last weekend", "2026-10-31T00:00:00+09:00", "2026-11-02T00:00:00+09:00"),
        ("지난달", "2026-10-01T00:00:00+09:00", "2026-11-01T00:00:00+09:00"),
        ("this month", "2026-11-01T00:00:00+09:00", "2026-11-05T14:20:00+09:00"),
        ("2주 전", "2026-10-19T00:00:00+09:00", "2026-10-26T00:00:00+09:00"),
        ("10월 29일", "2026-10-29T00:00:00+09:00", "2026-10-30T00:00:00+09:00"),
        ("UTC 기준 어제", "2026-11-04T00:00:00+00:00", "2026-11-05T00:00:00+00:00"),
        ("yesterday 9am to 10am UTC", "2026-11-04T09:00:00+00:00", "2026-11-04T10:00:00+00:00"),
        ("today in KST", "2026-11-05T00:00:00+09:00", "2026-11-05T14:20:00+09:00"),
        ("최근 10분 (UTC)", "2026-11-05T05:10:00+00:00", "2026-11-05T05:20:00+00:00"),
    ],
)
def test_a_range_of_the_calendar_and_of_a_zone(text: str, start: str, end: str) -> None:
    (found,) = times(text).ranges
    assert (found.start.isoformat(), found.end.isoformat()) == (start, end)


def test_days_are_those_of_the_wall_clock_where_it_is_put_back() -> None:
    """Berlin goes back an hour on 25 October 2026: that day has 25 hours, and an hour back is an hour of time."""
    (day,) = times("yesterday", "2026-10-26T09:00:00+01:00", "Europe/Berlin").ranges
    assert (day.start.isoformat(), day.end.isoformat()) == (
        "2026-10-25T00:00:00+02:00",
        "2026-10-26T00:00:00+01:00",
    )
    (back,) = times("last 3 hours", "2026-10-25T03:30:00+01:00", "Europe/Berlin").ranges
    assert back.start.isoformat() == "2026-10-25T01:30:00+02:00"


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("5분 간격으로", 300),
        ("10분 단위", 600),
        ("시간별", 3600),
        ("15분마다", 900),
        ("일별", 86_400),
        ("분당", 60),
        ("per 10 minutes", 600),
        ("every 5m", 300),
        ("hourly", 3600),
        ("in 15m buckets", 900),
        ("5 minute intervals", 300),
        ("per minute", 60),
        ("daily", 86_400),
        ("1m steps", 60),
    ],
)
def test_a_step(text: str, step: int) -> None:
    found = times(text)
    assert (found.step, found.ranges) == (step, [])


def test_a_range_a_step_and_a_horizon_stand_beside_one_another() -> None:
    found = times("forecast hourly requests for the next 12 hours from the last 7 days")
    assert (found.step, found.ahead, len(found.ranges)) == (3600, 12 * 3600, 1)
    found = times("last 3 hours 10분 간격으로")
    assert found.step == 600
    assert found.ranges[0].start.isoformat() == "2026-11-05T11:20:00+09:00"


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("오늘과 어제 비교", "05T00:00", "04T00:00"),
        ("오늘 오전 10시~11시를 어제 같은 시간이랑 비교", "05T10:00", "04T10:00"),
        ("today 10 to 11am against the same time yesterday", "05T10:00", "04T10:00"),
        ("최근 1시간을 그 전 1시간과 비교", "05T13:20", "05T12:20"),
        ("last 30 minutes compared with the 30 minutes before", "05T13:50", "05T13:20"),
    ],
)
def test_two_ranges_of_a_comparison(text: str, first: str, second: str) -> None:
    found = times(text, compares=True).ranges
    assert [each.start.isoformat() for each in found] == [
        f"2026-11-{day}:00+09:00" for day in (first, second)
    ]


def test_a_question_without_a_time_has_none() -> None:
    assert times("payment 에러 로그 보여줘").ranges == []


def test_an_unknown_zone_is_an_error_at_its_field() -> None:
    with pytest.raises(InvalidInput) as error:
        zone_of("Mars/Olympus")
    assert error.value.errors[0].pointer == "/time_zone"

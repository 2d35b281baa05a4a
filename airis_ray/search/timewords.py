"""The words of time expressions in both languages (``words/times.toml``)."""

from __future__ import annotations

from typing import Final

from airis_ray.search.wordlists import forms, table

SECOND: Final = 1
MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86_400
WEEK: Final = 7 * DAY


def _numbers(name: str) -> dict[str, int]:
    return {form: int(value) for value, written in table("times")[name].items() for form in forms(written)}


def _set(name: str) -> frozenset[str]:
    return frozenset(forms(table("times")["sets"][name]))


def _hours(name: str) -> dict[str, tuple[int, int]]:
    found = {}
    for hours, written in table("times")[name].items():
        first, last = hours.split("-")
        found.update(dict.fromkeys(forms(written), (int(first), int(last))))
    return found


LENGTHS: Final = _numbers("lengths")
"""A unit's seconds."""
NUMBERS: Final = _numbers("numbers")
FRACTIONS: Final = _numbers("fractions")
DAYS_COUNTED: Final = _numbers("days_counted")
DAYS: Final = _numbers("days")
NIGHTS: Final = _numbers("nights")
WEEKS: Final = _numbers("weeks")
MONTHS: Final = _numbers("months")
WEEKDAYS: Final = _numbers("weekdays")
MONTH_NAMES: Final = _numbers("month_names")
PARTS: Final = _hours("parts")
"""Parts of a day by their hours; those of a clock in them are completed by their half of the day."""
MOMENTS: Final = _numbers("moments")
STEPS: Final = _numbers("steps")
ZONES: Final = {form: zone for zone, written in table("times")["zones"].items() for form in forms(written)}

SHORT: Final = _set("short")
WEEKENDS: Final = _set("weekends")
NOW: Final = _set("now")
BACK: Final = _set("back")
AHEAD: Final = _set("ahead")
AGO: Final = _set("ago")
FROM: Final = _set("from")
TO: Final = _set("to")
HALVES: Final = {"morning": "am", "afternoon": "pm", "evening": "pm", "night": "night"}
LASTING: Final = frozenset(each for each in LENGTHS if each.endswith("간") and each != "시간")
"""Units that say that they last: 40분간."""
SINGULAR: Final = frozenset({"second", "minute", "hour", "day"})
DAY_BEFORE: Final = frozenset({"전날", "전일"})
"""Days counted from the one that was said, not from today."""
AND: Final = _set("and")
BEFORE: Final = _set("before")
ABOUT: Final = _set("about")
STEP_AFTER: Final = _set("step_after")
STEP_BEFORE: Final = _set("step_before")
SPAN_WORDS: Final = _set("span_words")
WITHIN: Final = _set("within")
SAME: Final = _set("same")
SAME_WHAT: Final = _set("same_what")
SAME_TIME: Final = _set("same_time")
"""The same time of day in one word."""
WHOLE: Final = _set("whole")

_TABLES: Final = (
    LENGTHS, NUMBERS, DAYS_COUNTED, DAYS, NIGHTS, WEEKS, MONTHS, WEEKDAYS, PARTS, MOMENTS, STEPS, ZONES,
    SHORT, WEEKENDS, NOW, BACK, AHEAD, AGO, FROM, TO, BEFORE, ABOUT, _set("half"), STEP_AFTER, SPAN_WORDS,
    WHOLE, SAME_TIME, _set("others"),
)  # fmt: skip
KOREAN: Final = frozenset(form for each in _TABLES for form in each if "가" <= form[0] <= "힣")
"""The Korean forms of all of them."""

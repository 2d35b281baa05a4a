"""The words of time expressions in both languages."""

from __future__ import annotations

from typing import Final

SECOND: Final = 1
MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86_400
WEEK: Final = 7 * DAY

LENGTHS: Final = {
    **dict.fromkeys(("초", "초간", "s", "sec", "secs", "second", "seconds"), SECOND),
    **dict.fromkeys(("분", "분간", "m", "min", "mins", "minute", "minutes"), MINUTE),
    **dict.fromkeys(("시간", "h", "hr", "hrs", "hour", "hours"), HOUR),
    **dict.fromkeys(("일", "일간", "일치", "d", "day", "days", "하루"), DAY),
    **dict.fromkeys(("주", "주간", "주일", "주일간", "w", "week", "weeks", "wk", "wks"), WEEK),
    **dict.fromkeys(("달", "개월", "month", "months"), 30 * DAY),
}
"""A unit's seconds."""
SHORT: Final = {"ms", "밀리초", "밀리세컨드", "msec", "millisecond", "milliseconds", "millis", "us", "마이크로초", "microseconds", "ns"}

NUMBERS: Final = {
    "한": 1, "하나": 1, "두": 2, "둘": 2, "세": 3, "셋": 3, "네": 4, "넷": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9, "열": 10,
    "열한": 11, "열두": 12, "스물": 20, "스무": 20, "서른": 30, "마흔": 40, "쉰": 50, "예순": 60, "십": 10, "이십": 20, "삼십": 30, "사십": 40,
    "오십": 50, "육십": 60, "백": 100, "이백": 200, "삼백": 300, "오백": 500, "천": 1000, "이천": 2000, "삼천": 3000, "오천": 5000, "만": 10000,
    "열다섯": 15, "스물네": 24, "열네": 14, "열세": 13, "몇": 3, "오": 5, "삼": 3, "사": 4, "육": 6, "칠": 7, "팔": 8, "구": 9,
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100, "thousand": 1000,
    "couple": 2, "few": 3,
}  # fmt: skip
DAYS_COUNTED: Final = {"하루": 1, "이틀": 2, "사흘": 3, "나흘": 4, "닷새": 5, "엿새": 6, "이레": 7, "열흘": 10, "보름": 15, "일주일": 7, "한주": 7, "한달": 30}

DAYS: Final = {
    "오늘": 0, "금일": 0, "today": 0, "당일": 0, "어제": -1, "어저께": -1, "전일": -1, "전날": -1, "yesterday": -1, "yday": -1, "그저께": -2, "그제": -2, "엊그제": -2, "엊그저께": -2,
    "그끄저께": -3, "day before yesterday": -2, "내일": 1, "tomorrow": 1,
}  # fmt: skip
NIGHTS: Final = {"어젯밤": -1, "간밤": -1, "last night": -1, "오늘밤": 0, "tonight": 0, "overnight": -1}
WEEKS: Final = {
    "이번주": 0, "금주": 0, "this week": 0, "지난주": -1, "저번주": -1, "전주": -1, "last week": -1, "previous week": -1, "지지난주": -2, "저저번주": -2, "week before last": -2,
}
MONTHS: Final = {"이번달": 0, "금월": 0, "this month": 0, "지난달": -1, "저번달": -1, "전월": -1, "last month": -1, "previous month": -1}
WEEKDAYS: Final = {
    **{f"{name}요일": n for n, name in enumerate("월화수목금토일")},
    **{name: n for n, names in enumerate(("monday mon", "tuesday tue tues", "wednesday wed", "thursday thu thur thurs", "friday fri", "saturday sat", "sunday sun")) for name in names.split()},
}
WEEKENDS: Final = {"주말": 0, "weekend": 0}
MONTH_NAMES: Final = {
    name: n
    for n, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sep sept", "october oct", "november nov", "december dec"), 1,
    )
    for name in names.split()
}  # fmt: skip

PARTS: Final = {
    "오전": (0, 12), "오후": (12, 24), "새벽": (0, 6), "아침": (6, 12), "낮": (12, 18), "점심": (11, 14), "점심시간": (12, 13), "저녁": (18, 24), "밤": (18, 24), "한밤중": (0, 4),
    "am": (0, 12), "pm": (12, 24), "morning": (0, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (18, 24), "a.m": (0, 12), "p.m": (12, 24),
    "early morning": (0, 6), "출근시간": (8, 10), "업무시간": (9, 18), "business hours": (9, 17), "working hours": (9, 17),
}  # fmt: skip
"""Parts of a day by their hours; those of a clock in them are completed by their half of the day."""
MOMENTS: Final = {"정오": 12, "자정": 0, "noon": 12, "midnight": 0, "midday": 12}
NOW: Final = {"지금", "현재", "now", "이시각", "방금", "so far", "right now"}

BACK: Final = {"최근", "지난", "최신", "last", "past", "previous", "recent", "직전", "이전", "prior", "preceding", "trailing", "latest", "요", "within"}
AHEAD: Final = {"다음", "앞으로", "향후", "next", "upcoming", "coming", "이후의", "following"}
AGO: Final = {"전", "ago", "이전", "earlier", "back", "before now"}
FROM: Final = {"부터", "이후", "이후로", "이래", "이래로", "후로", "후", "since", "from", "after", "between", "starting", "beginning", "starting at", "as of", "onwards", "onward", "넘어서", "에서부터"}
TO: Final = {"까지", "to", "until", "till", "through", "thru", "~", "–", "—", "-", "〜", "～", "and", "에서", "와", "과"}
BEFORE: Final = {"이전", "전", "전까지", "before", "until", "till", "까지", "prior to", "by", "up to"}
ABOUT: Final = {"쯤", "경", "정도", "무렵", "around", "about", "circa"}
HALF: Final = {"반", "half"}
STEP_AFTER: Final = {"간격", "단위", "마다", "별", "간격으로", "단위로", "buckets", "bucket", "steps", "step", "intervals", "interval", "resolution", "당", "granularity", "bins", "windows", "씩"}
STEP_BEFORE: Final = {"per", "every", "each", "by", "매"}
STEPS: Final = {
    "매분": MINUTE, "분별": MINUTE, "minutely": MINUTE, "시간별": HOUR, "매시간": HOUR, "시간대별": HOUR, "hourly": HOUR, "매시": HOUR, "일별": DAY, "날짜별": DAY, "매일": DAY,
    "요일별": DAY, "daily": DAY, "하루단위": DAY, "주별": WEEK, "주간별": WEEK, "weekly": WEEK, "분단위": MINUTE, "시간단위": HOUR, "일단위": DAY, "날짜마다": DAY, "시간마다": HOUR, "분마다": MINUTE, "hour by hour": HOUR, "day by day": DAY,
}  # fmt: skip
SPAN_WORDS: Final = {"동안", "사이", "사이에", "내", "이내", "안에", "내에", "간", "동안의", "이내에", "치", "부터지금까지"}
WHOLE: Final = {"하루", "종일", "하루종일", "내내", "온종일", "전체", "하루동안", "all day", "all of", "whole day", "whole", "entire", "full"}

ZONES: Final = {
    "utc": "UTC", "gmt": "UTC", "zulu": "UTC", "kst": "Asia/Seoul", "jst": "Asia/Tokyo", "est": "America/New_York", "edt": "America/New_York", "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles",
    "et": "America/New_York", "pt": "America/Los_Angeles", "cet": "Europe/Berlin", "cest": "Europe/Berlin", "bst": "Europe/London", "ist": "Asia/Kolkata", "cst": "America/Chicago", "cdt": "America/Chicago",
    "asia/seoul": "Asia/Seoul", "asia/tokyo": "Asia/Tokyo", "america/new_york": "America/New_York", "europe/berlin": "Europe/Berlin", "america/los_angeles": "America/Los_Angeles", "europe/london": "Europe/London",
    "한국시간": "Asia/Seoul", "한국시각": "Asia/Seoul", "서울시간": "Asia/Seoul", "korea time": "Asia/Seoul", "korean time": "Asia/Seoul", "korea standard time": "Asia/Seoul", "seoul time": "Asia/Seoul",
    "일본시간": "Asia/Tokyo", "도쿄시간": "Asia/Tokyo", "tokyo time": "Asia/Tokyo", "japan time": "Asia/Tokyo", "뉴욕시간": "America/New_York", "미국동부시간": "America/New_York", "new york time": "America/New_York",
    "eastern time": "America/New_York", "pacific time": "America/Los_Angeles", "베를린시간": "Europe/Berlin", "독일시간": "Europe/Berlin", "berlin time": "Europe/Berlin", "협정세계시": "UTC", "세계시": "UTC", "런던시간": "Europe/London", "london time": "Europe/London",
}  # fmt: skip

_ALL: Final = (
    LENGTHS, SHORT, NUMBERS, DAYS_COUNTED, DAYS, NIGHTS, WEEKS, MONTHS, WEEKDAYS, WEEKENDS, PARTS, MOMENTS, NOW, BACK, AHEAD, AGO,
    FROM, TO, BEFORE, ABOUT, HALF, STEP_AFTER, STEPS, SPAN_WORDS, WHOLE, ZONES,
)  # fmt: skip
KOREAN: Final = frozenset(form for table in _ALL for form in table if "가" <= form[0] <= "힣") | {
    "시", "시대", "월", "년", "만", "천", "억", "백", "원", "건", "개", "명", "번", "시경", "시쯤", "기준", "반시간", "매", "회", "가지", "번째", "퍼센트", "프로", "바이트", "메가", "기가",
}  # fmt: skip
ENGLISH: Final = frozenset(form for table in _ALL for form in table if " " in form and form.isascii())
"""Expressions of several words."""

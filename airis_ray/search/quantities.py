"""Words that stand behind or before a number: units, counters, names of statuses."""

from __future__ import annotations

from typing import Final

TIME_UNITS: Final = {
    **dict.fromkeys(("ms", "밀리초", "밀리세컨드", "msec", "millisecond", "milliseconds", "millis"), "ms"),
    **dict.fromkeys(("us", "마이크로초", "microseconds", "µs"), "us"),
    **dict.fromkeys(("s", "초", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "분", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "시간", "hour", "hours"), "h"),
}
MONEY: Final = frozenset({"원", "won", "krw", "만원", "달러", "dollars", "usd"})
PIECES: Final = frozenset({"개", "items", "item", "개의", "가지", "products", "things", "품목"})
COUNTERS: Final = frozenset(
    {
        "개",
        "건",
        "줄",
        "개만",
        "건만",
        "개씩",
        "rows",
        "row",
        "results",
        "entries",
        "lines",
        "가지",
        "위",
        "명",
        "of",
        "번",
        "회",
    }
)
ORDERS: Final = frozenset({"order", "orders", "주문"})
"""What is bought: the largest of them is the one of the largest amount."""
RANKS: Final = frozenset({"rank", "ranked", "ranking", "순위", "랭킹"})
STATUS_KEY: Final = "http.response.status_code"
STATUS_CODES: Final = frozenset({400, 401, 403, 404, 408, 409, 410, 413, 422, 429, 500, 501, 502, 503, 504})
"""Codes that people mean by the bare number."""
STATUS_NAMES: Final = frozenset(
    {
        "http",
        "status",
        "code",
        "코드",
        "상태",
        "에러",
        "오류",
        "error",
        "errors",
        "s",
        "status code",
        "상태코드",
    }
)
STATUS_WORDS: Final = STATUS_NAMES | frozenset(
    {
        "응답",
        "response",
        "responses",
        "returning",
        "returned",
        "을",
        "를",
        "로",
        "으로",
        "떨어진",
        "returns",
        "got",
        "were",
        "requests",
        "요청",
        "답한",
    }
)

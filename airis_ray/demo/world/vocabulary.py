"""Users, browsers, goods: what the attributes' values are drawn from."""

from __future__ import annotations

from typing import Final

COUNTRIES: Final = (("KR", 0.62), ("US", 0.18), ("JP", 0.12), ("DE", 0.08))
AT_VIRGINIA: Final = frozenset({"US", "DE"})
TIERS: Final = (("free", 0.70), ("gold", 0.22), ("platinum", 0.08))
FLAGS: Final = (("none", 0.55), ("new-checkout", 0.15), ("reco-v2", 0.20), ("dark-mode", 0.10))
METHODS: Final = ("card", "kakaopay", "naverpay", "toss")
METHOD_SHARES: Final = {
    "KR": (0.34, 0.30, 0.20, 0.16),
    "US": (0.97, 0.01, 0.01, 0.01),
    "JP": (0.90, 0.04, 0.04, 0.02),
    "DE": (0.96, 0.02, 0.01, 0.01),
}
BROWSERS: Final = ("Chrome", "Safari", "Samsung Internet", "Firefox", "curl")
BROWSER_SHARES: Final = {
    "KR": (0.50, 0.20, 0.25, 0.04, 0.01),
    "US": (0.48, 0.40, 0.04, 0.07, 0.01),
    "JP": (0.44, 0.48, 0.03, 0.04, 0.01),
    "DE": (0.46, 0.24, 0.07, 0.21, 0.02),
}
USERS: Final = 12_000
USER_SKEW: Final = 1.7
"""Users are drawn as ``USERS * u ** USER_SKEW``: a few come often, most seldom."""

REASONS: Final = ("한도초과", "잔액부족", "분실카드", "본인인증 실패")
REASON_SHARES: Final = (0.45, 0.35, 0.08, 0.12)

PRODUCTS: Final = tuple(
    f"{line}-{number:03d}"
    for line in ("TENT", "LAMP", "BOOT", "PACK", "MUG", "ROPE", "STOVE", "CHAIR", "COAT", "MAP")
    for number in range(1, 13)
)
CITIES: Final = (
    "서울",
    "부산",
    "대구",
    "인천",
    "광주",
    "대전",
    "수원",
    "제주",
    "Tokyo",
    "Berlin",
    "Austin",
    "Boston",
)
QUERIES: Final = ("텐트", "등산화", "캠핑 의자", "랜턴", "tent", "boots", "lamp", "rain coat", "지도", "버너")

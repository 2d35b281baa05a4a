"""What was understood, in one sentence of the question's language."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from airis_ray.search.meaning import Clause, Meaning, Measure, merged
from airis_ray.search.requests import Proposal, Window, window
from airis_ray.search.understanding import Understanding

_ROWS: Final = {
    "logs": ("로그", "logs"),
    "traces": ("스팬", "spans"),
    "sessions": ("세션", "sessions"),
    "metrics": ("메트릭", "metrics"),
    "anomalies": ("이상 징후", "anomalies"),
}
_INTENTS: Final = {
    "trace": ("트레이스 {0}", "trace {0}"),
    "services": ("서비스 현황", "all services and how they do"),
    "map": ("서비스 호출 관계", "which services call which"),
    "metrics": ("메트릭 목록", "which metrics there are"),
    "anomalies": ("이상 징후", "anomalies"),
    "incidents": ("인시던트 목록", "incidents"),
    "rules": ("알림 규칙 목록", "alert rules"),
    "channels": ("알림 채널 목록", "notification channels"),
    "patterns": ("로그 패턴", "log patterns"),
    "similar": ("의미가 비슷한 로그", "logs of a similar meaning"),
    "cause": ("근본 원인", "root causes"),
    "compare": ("두 묶음의 차이", "what two groups differ in"),
    "forecast": ("예측", "a forecast"),
    "fields": ("속성 목록", "which attributes there are"),
    "values": ("{1} 값 목록", "the values of {1}"),
}
_AGGREGATES: Final = {
    "count": ("건수", "the count"),
    "rate": ("초당 건수", "the rate per second"),
    "error_rate": ("에러율", "the error rate"),
    "share": ("비율", "the share"),
    "avg": ("평균", "the average"),
    "max": ("최댓값", "the maximum"),
    "min": ("최솟값", "the minimum"),
    "sum": ("합계", "the sum"),
    "uniq": ("서로 다른 값의 수", "the number of different values"),
}
_OPERATORS: Final = {
    ">": ("초과", "over"),
    ">=": ("이상", "at least"),
    "<": ("미만", "under"),
    "<=": ("이하", "at most"),
}


def sentence(found: Understanding) -> str:
    """What was understood; where nothing was, which words were not."""
    korean = found.language == "ko"
    if found.proposal is None:
        words = ", ".join(found.meaning.unresolved)
        return f"이해하지 못한 말이 있습니다: {words}" if korean else f"This was not understood: {words}"
    return _korean(found, found.proposal) if korean else _english(found, found.proposal)


def _korean(found: Understanding, proposal: Proposal) -> str:
    meaning = found.meaning
    parts = [_ranges(found, korean=True)] if _ranged(proposal) else []
    conditions = [_clause(clause, korean=True) for clause in _told(meaning)]
    if conditions:
        parts.append(f"조건 {', '.join(conditions)}인")
    parts.append(_what(meaning, korean=True))
    if meaning.group:
        parts.append(f"({', '.join(meaning.group)}별)")
    parts += _manner(meaning, proposal, korean=True)
    return " ".join(part for part in parts if part) + _guesses(meaning, korean=True)


def _english(found: Understanding, proposal: Proposal) -> str:
    meaning = found.meaning
    text = _what(meaning, korean=False)
    conditions = [_clause(clause, korean=False) for clause in _told(meaning)]
    if conditions:
        text += f" where {' and '.join(conditions)}"
    if meaning.group:
        text += f" by {', '.join(meaning.group)}"
    for part in _manner(meaning, proposal, korean=False):
        text += f", {part}"
    if _ranged(proposal):
        text += f", {_ranges(found, korean=False)}"
    return text[0].upper() + text[1:] + _guesses(meaning, korean=False)


def _what(meaning: Meaning, *, korean: bool) -> str:
    place = 0 if korean else 1
    if meaning.intent in _INTENTS:
        return _INTENTS[meaning.intent][place].format(meaning.trace, meaning.target)
    rows = ("요청" if korean else "requests") if _of_requests(meaning) else _ROWS[meaning.signal][place]
    if meaning.metric is not None:
        rows = meaning.metric
    if not meaning.measures:
        counted = meaning.group or meaning.trend
        return (
            (f"{rows}의 추이" if korean else f"{rows} over time")
            if counted and meaning.metric
            else (f"{rows} 건수" if korean else f"the count of {rows}")
            if counted
            else rows
        )
    told = [_measure(measure, meaning.share, korean=korean) for measure in meaning.measures]
    return f"{rows}의 {', '.join(told)}" if korean else f"{' and '.join(told)} of {rows}"


def _of_requests(meaning: Meaning) -> bool:
    return any(clause.field == "SpanKind" and clause.values == ("Server",) for clause in meaning.clauses)


def _told(meaning: Meaning) -> list[Clause]:
    """The conditions, without the one that the word for the rows says."""
    return [
        clause
        for clause in merged(meaning.clauses)
        if clause.field != "SpanKind" or clause.values != ("Server",)
    ]


def _measure(measure: Measure, share: Clause | None, *, korean: bool) -> str:
    if measure.aggregate == "share" and share is not None:
        told = _clause(share, korean=korean)
        return f"{told}인 비율" if korean else f"the share of those where {told}"
    name = _AGGREGATES.get(measure.aggregate, (measure.aggregate, measure.aggregate))[0 if korean else 1]
    if measure.field is None:
        return name
    return f"{measure.field} {name}" if korean else f"{name} ({measure.field})"


def _clause(clause: Clause, *, korean: bool) -> str:
    field = clause.field or ("내용" if korean else "the text")
    values = (" 또는 " if korean else " or ").join(clause.values)
    if clause.op == "exists":
        text = f"{field} 있음" if korean else f"{field} is there"
    elif clause.op == "range":
        text = f"{field} {clause.values[0]}~{clause.values[1]}"
    elif clause.op == "=":
        said = ("에 " if korean else " says ") if clause.field == "" else " = "
        text = f"{field}{said}{values}"
    else:
        text = (
            f"{field} {values} {_OPERATORS[clause.op][0]}"
            if korean
            else f"{field} {_OPERATORS[clause.op][1]} {values}"
        )
    return text if not clause.negated else f"{text} 제외" if korean else f"not {text}"


def _manner(meaning: Meaning, proposal: Proposal, *, korean: bool) -> list[str]:
    parts = []
    step = proposal.body.get("step")
    if step and not (meaning.group and not meaning.trend):
        parts.append(f"{step} 간격" if korean else f"in steps of {step}")
    if meaning.order is not None:
        field, descending = meaning.order
        word = (
            ("내림차순" if descending else "오름차순")
            if korean
            else ("descending" if descending else "ascending")
        )
        parts.append(f"{field} {word}" if korean else f"by {field} {word}")
    if meaning.limit is not None:
        parts.append(f"{meaning.limit}개" if korean else f"at most {meaning.limit}")
    return parts


def _ranged(proposal: Proposal) -> bool:
    body = proposal.body
    return any(key in body for key in ("from", "target", "series")) or "from" in body.get("parameters", {})


def _ranges(found: Understanding, *, korean: bool) -> str:
    count = max(len(found.times.ranges), 1)
    shown = [_range(window(found.times, found.now, number), korean=korean) for number in range(min(count, 2))]
    return " / ".join(shown)


def _range(asked: Window, *, korean: bool) -> str:
    start, end = asked.start, asked.end
    pattern = "%Y-%m-%d %H:%M"
    last = "%H:%M" if start.date() == end.date() else pattern
    zone = f" {_zone(start)}"
    text = (
        f"{start.strftime(pattern)}~{end.strftime(last)}{zone}"
        if korean
        else f"{start.strftime(pattern)} to {end.strftime(last)}{zone}"
    )
    if asked.said:
        return text
    return (
        f"{text}(시간을 말하지 않아 최근 1시간)" if korean else f"{text} (no time was named: the last hour)"
    )


def _zone(moment: datetime) -> str:
    return moment.tzname() or ""


def _guesses(meaning: Meaning, *, korean: bool) -> str:
    if not meaning.guesses:
        return ""
    told = ", ".join(f"{written} → {taken}" for written, taken in meaning.guesses)
    return f" ({told}(으)로 이해)" if korean else f" (taking {told})"

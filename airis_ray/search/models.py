"""What the calls of search take and answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from airis_ray.search.tokens import MAX_QUESTION


def _no_bool(value: object) -> object:
    if isinstance(value, bool):  # to pydantic, true is the integer 1
        raise ValueError("expected a time")
    return value


Time = Annotated[
    str | int,
    Field(
        union_mode="left_to_right", description="RFC 3339, integer nanoseconds, or relative such as now-15m"
    ),
    BeforeValidator(_no_bool),
]


class AskRequest(BaseModel):
    """The body of ``POST /ask``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str = Field(
        min_length=1, max_length=MAX_QUESTION, description="in Korean or English, or both mixed"
    )
    execute: bool = Field(True, description="whether the answer holds the request's result")
    now: str | None = Field(
        None, max_length=64, description="what the question's times are counted from, RFC 3339; left out: now"
    )
    time_zone: str | None = Field(
        None, max_length=64, description="IANA name; left out: the offset of `now`, else UTC"
    )


class ProposedRequest(BaseModel):
    """A request that the reader can edit and send. ``body`` is the query parameters of a GET."""

    method: Literal["GET", "POST"]
    endpoint: str = Field(description="its path, parameters filled in")
    body: dict[str, Any]


class Alternative(BaseModel):
    """Another reading of the question."""

    understood: str
    request: ProposedRequest


class AskAnswer(BaseModel):
    """What was understood, and the request that answers it; ``request`` is null where nothing does."""

    understood: str = Field(description="one sentence in the question's language")
    language: Literal["ko", "en"]
    request: ProposedRequest | None
    confidence: float = Field(ge=0, le=1)
    alternatives: list[Alternative]
    unresolved: list[str] = Field(description="words not understood")
    result: Any = Field(
        None, description="what the request's call answered; with `execute`, where it could be sent"
    )
    result_error: str | None = Field(None, description="why there is no result, where one was asked for")


class SimilarRequest(BaseModel):
    """The body of ``POST /similar-logs``."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    text: str = Field(
        min_length=1, max_length=MAX_QUESTION, description="what the logs are to mean, in any language"
    )
    from_: Time = Field("now-1h", alias="from", description="start, part of the range")
    to: Time = Field("now", description="end, not part of the range")
    limit: int = Field(10, ge=1, le=100, description="patterns")


class SimilarPattern(BaseModel):
    """A pattern of log bodies, and how near it is in meaning."""

    template: str = Field(description="a body with its variables as <*>")
    score: float = Field(description="how near it is in meaning: 1 is the same")
    count: int
    example: str
    services: list[str]
    first_seen: str
    last_seen: str
    query: str = Field(description="the search syntax that finds its logs")


class SimilarAnswer(BaseModel):
    """The patterns nearest in meaning, best first."""

    patterns: list[SimilarPattern]
    templates: int = Field(description="patterns of the range that were compared")
    sampled: bool = Field(description="whether the range has more rows than were looked at")

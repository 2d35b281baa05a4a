"""What the calls of event deltas take and answer."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from airis_ray.analytics.models import Time
from airis_ray.analytics.syntax import MAX_LENGTH

MAX_ATTRIBUTES = 500


class Group(BaseModel):
    """One of the two groups of events."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    query: str = Field("", max_length=MAX_LENGTH, description="search syntax; empty for everything")
    from_: Time = Field("now-1h", alias="from", description="start, part of the range")
    to: Time = Field("now", description="end, not part of the range")


class CompareRequest(BaseModel):
    """The body of ``POST /compare``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    signal: Literal["traces", "logs", "sessions"] = Field("traces", description="what is compared")
    target: Group = Field(default_factory=lambda: Group(), description="the events to explain")
    baseline: Group = Field(
        default_factory=lambda: Group(),
        description="what they are compared with; events that are in both groups count as the target's",
    )
    limit: int = Field(20, ge=1, le=MAX_ATTRIBUTES, description="attributes and pairs that are answered")


class ValueShare(BaseModel):
    """A value, or a side of a number, and the part of each group that has it; null stands for "absent"."""

    value: str | None
    target_share: float
    baseline_share: float


class Quantiles(BaseModel):
    """Quantiles (``p5`` … ``p99``) of a number in each group, of the sampled rows."""

    target: dict[str, float]
    baseline: dict[str, float]


class AttributeDelta(BaseModel):
    """How one attribute, or a pair of values, differs between the groups."""

    key: str = Field(description="of a pair both keys, joined by ' + '")
    kind: Literal["categorical", "numeric", "pair"]
    effect: float = Field(description="share of the target less share of the baseline that meets `query`")
    effect_interval: tuple[float, float] = Field(description="95 % interval of the effect (Newcombe)")
    odds_ratio: float
    odds_interval: tuple[float, float] = Field(description="95 % interval of the odds ratio (Woolf)")
    p_value: float = Field(description="Fisher's exact test, all values of the attribute taken into account")
    q_value: float = Field(description="after Benjamini and Hochberg, over all attributes")
    significant: bool
    score: float = Field(description="what significant attributes are ordered by")
    values: list[ValueShare] = Field(description="the value that tells most first")
    quantiles: Quantiles | None = None
    same_as: list[str] = Field(description="attributes that carry the same information")
    query: str = Field(description="search syntax that finds the events meant")
    keys: list[str] = Field(description="the attribute, or the two of a pair")


class LeftOutAttribute(BaseModel):
    """An attribute whose values were not compared."""

    key: str
    reason: str


class CompareAnswer(BaseModel):
    """What the target has that the baseline has not, best first."""

    target_count: int
    baseline_count: int = Field(
        description="all that the baseline's query finds, those in the target included"
    )
    sampled: bool = Field(
        description="whether counts are of a part of the rows, since all would take too long"
    )
    sample: float = Field(description="the part of the range that was read")
    attributes: list[AttributeDelta]
    left_out: list[LeftOutAttribute]
    notes: list[str]
    elapsed_ms: float

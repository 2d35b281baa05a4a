"""Bodies of requests and answers of ``/detect`` and ``/forecast``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from airis_ray.aiops.custom.card import ASKED

_FROZEN = ConfigDict(extra="forbid", frozen=True)


class SeriesIn(BaseModel):
    """A series of a request, for OpenAPI: :mod:`.asked_json` reads it."""

    model_config = _FROZEN

    timestamps: list[str | int] = Field(description="increasing; RFC 3339 or integer nanoseconds")
    values: list[float | None] = Field(description="as many; null is a missing point")
    labels: dict[str, str] = Field({}, description="what the series is called")


Series = Annotated[
    list[Any],  # each is read by itself, so that a bad one spoils no other
    Field(min_length=1, description="the other series of the request are answered where one is bad"),
]


class DetectOptions(BaseModel):
    """How series are judged; of an Arrow stream these are query parameters."""

    model_config = _FROZEN

    sensitivity: float = Field(
        0.5, ge=0, le=1, description="higher finds more: each 0.25 makes false alarms ten times as frequent"
    )
    season: str = Field("auto", description="auto, none, or its length such as 1d", max_length=40)
    together: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="a label such as service: series with the same of it are judged together, and the anomaly names "
        "the one that carried it",
    )
    model: str | None = Field(
        None,
        pattern=ASKED,
        description="a model of one's own by name, or by name@version; unset: chosen per series",
    )


class DetectRequest(DetectOptions):
    """The body of ``POST /detect``."""

    series: Series


class ForecastOptions(BaseModel):
    """How far is looked ahead; of an Arrow stream these are query parameters."""

    model_config = _FROZEN

    horizon: int = Field(ge=1, le=10_000, description="steps, each as long as the series' own")
    levels: tuple[Annotated[float, Field(gt=0, lt=100)], ...] = Field(
        (80, 95), min_length=1, max_length=10, description="percent of the points that intervals hold"
    )
    limit: float | None = Field(
        None,
        allow_inf_nan=False,
        description="a value such as a disk's size: when does each series reach it?",
    )
    holidays: str | None = Field(
        None,
        pattern="^[A-Z]{2}$",
        description="ISO 3166 code such as KR: its public holidays go like Sundays where those of the past did",
    )
    time_zone: str = Field("UTC", max_length=64, description="in which days begin, such as Asia/Seoul")


class ForecastRequest(ForecastOptions):
    """The body of ``POST /forecast``."""

    series: Series


class SeriesFault(BaseModel):
    """Why a series was left out."""

    pointer: str = Field(description="JSON pointer into the request")
    detail: str
    series: int = Field(description="number of the series in the request")
    name: str = Field(description="its labels")
    position: int | None = Field(description="the first bad point; null: the series as a whole")


class AnomalyOut(BaseModel):
    """A stretch of points that are not as expected."""

    start: str
    end: str = Field(description="time of its last point")
    kind: Literal["point", "level", "shape", "absence"]
    severity: float = Field(
        description="0..1: 0.5 at the usual threshold, towards 1 the less a chance can explain it"
    )
    value: float | None = Field(description="at its worst point; null where points are absent")
    expected: float | None
    metric: str | None = Field(description="of series judged together: the one that carried it")
    sentence: str
    sentence_ko: str


class DetectedSeries(BaseModel):
    """Lists as long as the series; empty where ``errors`` says why it was left out."""

    labels: dict[str, str]
    scores: list[float] = Field(description="0..1, comparable between series")
    is_anomaly: list[bool]
    expected: list[float | None]
    lower: list[float | None] = Field(description="lower end of the band of 99.7 % of usual points")
    upper: list[float | None]
    model: str
    reason: str = Field(description="why this model")
    reason_ko: str
    season: str | None = Field(description="length of the season in use")
    threshold: float | None
    anomalies: list[AnomalyOut]
    errors: list[SeriesFault]


class DetectAnswer(BaseModel):
    """One entry for each series of the request, in its order."""

    series: list[DetectedSeries]
    errors: list[SeriesFault] = Field(description="those of all series")


class Interval(BaseModel):
    """A band of a forecast."""

    lower: list[float]
    upper: list[float]


class Reached(BaseModel):
    """When a limit is reached; null: not in sight, which is twenty times the length of the history."""

    value: float = Field(description="the limit")
    at: str | None = Field(description="as likely before as after")
    earliest: str | None = Field(description="with 90 % not before")
    latest: str | None = Field(description="with 90 % not after")
    chance: float | None = Field(description="that it is reached in sight; null: too few points to say")
    reason: str
    reason_ko: str


class ForecastSeries(BaseModel):
    """Lists of ``horizon`` items; empty where ``errors`` says why the series was left out."""

    labels: dict[str, str]
    timestamps: list[str]
    mean: list[float]
    intervals: dict[str, Interval] = Field(description="by level, such as 95")
    model: str
    reason: str
    reason_ko: str
    limit: Reached | None = Field(description="where the request names one")
    errors: list[SeriesFault]


class ForecastAnswer(BaseModel):
    """One entry for each series of the request, in its order."""

    series: list[ForecastSeries]
    errors: list[SeriesFault] = Field(description="those of all series")

"""What the application ``replay`` answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field


class SessionRow(BaseModel):
    """A session as the list shows it."""

    id: str
    started_at: str
    ended_at: str
    duration_ms: int
    user: str
    service: str
    release: str
    user_agent: str
    url_first: str
    urls: list[str] = Field(description="the first 100 addresses, each once")
    trace_ids: list[str] = Field(description="of its requests, the first 100")
    pages: int = Field(description="pages that were gone to, by their addresses")
    clicks: int
    rage_clicks: int = Field(
        description="times that one spot was clicked three times or more, a second apart at most"
    )
    dead_clicks: int = Field(description="clicks after which nothing happened")
    errors: int
    console_errors: int
    requests: int
    failed_requests: int = Field(description="requests without an answer, or with 400 and above")
    events: int
    bytes: int = Field(description="of JSON")
    stored_bytes: int = Field(description="of compressed blocks")
    block_count: int
    tabs: int
    gaps: int = Field(description="chunks (of the OTLP form: events) that are missing")
    duplicates: int = Field(description="chunks that came again, and count once")


class BlockRow(BaseModel):
    """A block of a session."""

    block: str = Field(description="its name for `events?block=`; stays the same")
    tab: str
    form: Literal["plain", "timed", "otlp"] = Field(description="timed: chunks that are not numbered")
    first: int = Field(description="number of its chunk; of the OTLP form: of its first event")
    started_at: str
    ended_at: str
    events: int
    bytes: int
    stored_bytes: int
    url: str = Field(description="where it lies, from the place that AIRIS_REPLAY_URL names")
    range: tuple[int, int] = Field(description="its first byte there, and the one behind its last")
    reason: str = Field(description="why it was sent")
    received_at: str = Field(description="when it came, the last time")
    copies: int = Field(description="how often it came")


class GapRow(BaseModel):
    """Chunks (of the OTLP form: events) of a tab that did not come, by their numbers."""

    tab: str
    form: Literal["plain", "otlp"]
    first: int
    last: int


class SessionDetail(SessionRow):
    """A session with its blocks, in the order in which they are played: tab by tab."""

    blocks: list[BlockRow]
    missing: list[GapRow] = Field(description="what `gaps` counts")
    late: int = Field(
        description="chunks that came later than one that follows them; they are played in their place"
    )
    attributes: dict[str, str] = Field(description="what else its recorder said in `metadata`")


class Base(BaseModel):
    """A mark of the timeline."""

    time: str
    offset_ms: int = Field(description="from the session's start")


class PageMark(Base):
    """A page was loaded or gone to."""

    kind: Literal["page"]
    tab: str
    url: str
    title: str = ""


class ConsoleMark(Base):
    """A line of the browser's console."""

    kind: Literal["console"]
    tab: str
    level: str
    text: str


class EventMark(Base):
    """A moment that the site marked, by `airis.event(name, attributes)`."""

    kind: Literal["event"]
    tab: str
    name: str
    attributes: dict[str, str] = Field(description="the first 20; values other than texts are JSON")


class ErrorMark(Base):
    """An error that nothing caught."""

    kind: Literal["error"]
    tab: str
    text: str
    stack: str
    source: str
    line: int
    column: int


class NetworkMark(Base):
    """A request that is over."""

    kind: Literal["network"]
    tab: str
    method: str
    url: str
    status: int = Field(description="0: no answer")
    duration_ms: float
    trace_id: str
    failed: bool


class ClickMark(Base):
    """A click that helped nobody."""

    kind: Literal["rage_click", "dead_click"]
    tab: str
    x: float
    y: float
    node: int = Field(description="rrweb's id of what was clicked")
    clicks: int = 1


class TraceMark(Base):
    """What the store has of the trace of one of the session's requests."""

    kind: Literal["trace"]
    trace_id: str
    name: str = Field(description="of its earliest span")
    services: list[str]
    spans: int
    error_spans: int
    duration_ms: float


class LogMark(Base):
    """A log record of one of these traces."""

    kind: Literal["log"]
    trace_id: str
    span_id: str
    service: str
    level: str
    text: str


Mark = Annotated[
    PageMark | ConsoleMark | EventMark | ErrorMark | NetworkMark | ClickMark | TraceMark | LogMark,
    Field(discriminator="kind"),
]


class Timeline(BaseModel):
    """What happened in a session, in the browser and behind it, by time."""

    id: str
    started_at: str
    duration_ms: int
    marks: list[Mark]
    truncated: bool = Field(description="whether there are more marks than are told")


class Deleted(BaseModel):
    """What a deletion removed."""

    sessions: int
    blocks: int

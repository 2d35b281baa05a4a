"""`connect(url, key)` and the questions that a connection answers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Any, Literal

import pyarrow as pa

from airis_ray.client.address import resolve
from airis_ray.client.dataset import search_dataset
from airis_ray.client.frames import Frame, SeriesFrame
from airis_ray.client.http import Http
from airis_ray.client.judged import DetectFrame, ForecastFrame, Language, detect, forecast
from airis_ray.client.models import Models
from airis_ray.settings import Settings

Time = str | int
"""RFC 3339, integer nanoseconds, or relative: ``now``, ``now-15m``."""

PAGE = 10_000
"""Rows of one page of ``/search``."""


def connect(url: str | None = None, key: str | None = None, *, timeout: float = 60.0) -> Connection:
    """A connection to an AIRIS-Ray.

    Without ``url`` it is ``AIRIS_URL``, else this machine's; without ``key`` it is ``AIRIS_KEY``, else, for an
    address of this machine, the admin key in its data folder, where there is one. Nothing is sent yet. Errors are
    those of :mod:`airis_ray.errors`.
    """
    if url is None or key is None:
        url, key = resolve(Settings.from_env(), url, key)
    return Connection(Http(url, key, timeout))


class Connection:
    """The questions that a notebook asks. Ranges are ``[start, end)``."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.models = Models(http)

    def logs(self, query: str = "", start: Time = "now-1h", end: Time = "now", **options: Any) -> Frame:
        """Log records that match; options as for :meth:`search`."""
        return self.search("logs", query, start, end, **options)

    def traces(self, query: str = "", start: Time = "now-1h", end: Time = "now", **options: Any) -> Frame:
        """Spans that match; options as for :meth:`search`."""
        return self.search("traces", query, start, end, **options)

    def search(
        self,
        signal: Literal["logs", "traces", "sessions", "anomalies"],
        query: str = "",
        start: Time = "now-1h",
        end: Time = "now",
        *,
        limit: int = PAGE,
        order: str | None = None,
        fields: Sequence[str] = (),
    ) -> Frame:
        """Up to ``limit`` rows, newest first, read page by page; ``.ray()`` of the frame reads all of them."""
        body: dict[str, Any] = {"signal": signal, "query": query, "from": start, "to": end}
        body |= {"order": order} if order else {}
        body |= {"fields": list(fields)} if fields else {}
        dataset = partial(search_dataset, self._http.url, self._http.key, self._http.timeout, body)
        return Frame(pa.concat_tables(self._pages(body, limit)), dataset)

    def metrics(
        self,
        metric: str | None = None,
        query: str = "",
        start: Time = "now-1h",
        end: Time = "now",
        **options: Any,
    ) -> Frame:
        """Without a name: the metrics there are. With one: its series as a long table (time, labels, value).

        Options as for :meth:`timeseries`; the default aggregate is the one that fits the metric's kind.
        """
        if metric is not None:
            return self.timeseries("metrics", query, metric=metric, start=start, end=end, **options)
        return Frame(pa.Table.from_pylist(self._http.json("GET", "/api/analytics/metrics")))

    def timeseries(
        self,
        signal: Literal["logs", "traces", "metrics"] = "traces",
        query: str = "",
        *,
        aggregate: str | None = None,
        field: str | None = None,
        metric: str | None = None,
        group_by: Sequence[str] = (),
        step: str | None = None,
        start: Time = "now-1h",
        end: Time = "now",
        limit: int = 10,
    ) -> SeriesFrame:
        """Series on one time axis; ``.plot()`` draws them."""
        body: dict[str, Any] = {
            "signal": signal,
            "query": query,
            "aggregate": aggregate,
            "field": field,
            "metric": metric,
            "group_by": list(group_by),
            "step": step,
            "from": start,
            "to": end,
            "limit": limit,
        }
        wanted = {name: value for name, value in body.items() if value not in (None, "", [])}
        title = " ".join(
            part for part in (aggregate, metric or field or signal, query and f"where {query}") if part
        )
        answer = self._http.json("POST", "/api/analytics/timeseries", wanted)
        return SeriesFrame(answer, title, answer.get("unit") or ("per second" if aggregate == "rate" else ""))

    def detect(
        self,
        frame: object,
        *,
        time: str | None = None,
        value: str | None = None,
        by: Sequence[str] | None = None,
        sensitivity: float = 0.5,
        season: str = "auto",
        together: str | None = None,
        model: str | None = None,
        language: Language = "en",
    ) -> DetectFrame:
        """What is unusual in the series of a frame (ours, Arrow, polars or pandas): every point judged.

        ``by`` names the label columns that tell series apart. Unless named, ``time`` is the first column of
        timestamps, ``value`` that of this name, and labels are all columns of text. Series with the same of the label
        ``together`` are judged as one thing, and each anomaly names the metric that carried it. ``model`` is one of
        one's own (:attr:`models`). A series that cannot be judged is in ``errors`` of the answer; InvalidInput where
        none can.
        """
        columns = {"time": time, "value": value, "by": by}
        options = {"sensitivity": sensitivity, "season": season, "together": together, "model": model}
        return detect(self._http, frame, columns, options, language)

    def forecast(
        self,
        frame: object,
        horizon: int,
        *,
        levels: Sequence[float] = (80, 95),
        limit: float | None = None,
        holidays: str | None = None,
        time_zone: str | None = None,
        time: str | None = None,
        value: str | None = None,
        by: Sequence[str] | None = None,
        language: Language = "en",
    ) -> ForecastFrame:
        """The next ``horizon`` points of the series of a frame, with intervals; columns as for :meth:`detect`.

        With a ``limit``, ``limits`` of the answer says when each series reaches it: when does this disk fill?
        ``holidays`` is a country's ISO 3166 code, ``time_zone`` where its days begin.
        """
        columns = {"time": time, "value": value, "by": by}
        options = {"horizon": horizon, "levels": list(levels), "limit": limit}
        options |= {"holidays": holidays, "time_zone": time_zone}
        return forecast(self._http, frame, columns, options, language)

    def services(self, start: Time = "now-1h", end: Time = "now") -> Frame:
        """Requests, error rate, latencies and logs of every service."""
        rows = self._http.json("GET", "/api/analytics/services", params={"from": start, "to": end})
        return Frame(pa.Table.from_pylist(rows))

    def service_map(self, start: Time = "now-1h", end: Time = "now") -> dict[str, Any]:
        """Who calls whom: ``nodes`` and ``edges``."""
        answer: dict[str, Any] = self._http.json(
            "GET", "/api/analytics/service-map", params={"from": start, "to": end}
        )
        return answer

    def trace(self, trace_id: str) -> dict[str, Any]:
        """One trace: its spans, its critical path, the number of its logs."""
        answer: dict[str, Any] = self._http.json("GET", f"/api/analytics/traces/{trace_id}")
        return answer

    def sql(self, sql: str, **parameters: Any) -> Frame:
        """One SELECT over the caller's own rows, with parameters ``{name:Type}``."""
        table, _ = self._http.table("/api/analytics/sql", {"sql": sql, "parameters": parameters})
        return Frame(table)

    def get(self, path: str, **params: Any) -> Any:
        """The JSON answer of any other path of the API."""
        return self._http.json("GET", path, params=params)

    def post(self, path: str, body: object) -> Any:
        """The JSON answer of any other path of the API."""
        return self._http.json("POST", path, body)

    def delete(self, path: str) -> None:
        """Delete what a path of the API names."""
        self._http.json("DELETE", path)

    def readiness(self) -> dict[str, Any]:
        """``/readyz``: the state of each part, also where not all are ready."""
        answer: dict[str, Any] = self._http.json("GET", "/readyz", accept=(503,))
        return answer

    def close(self) -> None:
        """Close the connection pool."""
        self._http.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _pages(self, body: dict[str, Any], limit: int) -> list[pa.Table]:
        pages: list[pa.Table] = []
        cursor: str | None = None
        while True:
            page = body | {"limit": min(limit, PAGE)} | ({"cursor": cursor} if cursor else {})
            table, cursor = self._http.table("/api/analytics/search", page)
            pages.append(table)
            limit -= table.num_rows
            if cursor is None or limit <= 0 or table.num_rows == 0:
                return pages

"""Settings of the watcher, which scores what comes in."""

from __future__ import annotations

from pydantic import Field, field_validator

from airis_ray.settings.values import Group, Seconds


class WatchSettings(Group):
    """What is watched, how often, and what becomes an anomaly."""

    enabled: bool = Field(True, description="look for anomalies in what comes in")
    interval: Seconds = Field(
        60.0, description="time between two looks, and the length of a cell: 10s, 20s, 30s or 60s"
    )
    settle: Seconds = Field(
        15.0, ge=0, le=600, description="wait for late data before a cell is judged; it is judged once"
    )
    patience: Seconds = Field(
        300.0, ge=0, description="longest wait for data that is on its way (a lag of the stream)"
    )
    own: bool = Field(True, description="watch the platform's own telemetry, tenant airis, too")
    history: Seconds = Field(
        7 * 86400.0, ge=3600.0, description="what a series is learned from, where there is as much"
    )
    warmup: int = Field(30, ge=3, le=10_000, description="cells that a series has before it is judged")
    max_series: int = Field(
        100_000, gt=0, description="series that one watcher holds; further ones are left out and counted"
    )
    forget: Seconds = Field(86400.0, ge=600.0, description="silence after which a series is no longer held")
    confirm: int = Field(
        3,
        ge=1,
        le=100,
        description="cells that a deviation lasts before it is told; clear ones are told at once",
    )
    together: bool = Field(
        False,
        description="judge the metrics of each service together, too: what is little in several of them",
    )
    checkpoint: Seconds = Field(300.0, gt=0, description="time between two writes of a series' state")

    @field_validator("interval")
    @classmethod
    def _whole_cells(cls, value: float) -> float:
        if value not in (10.0, 20.0, 30.0, 60.0):
            raise ValueError("expected 10s, 20s, 30s or 60s: roll-ups have cells of 10 s")
        return value

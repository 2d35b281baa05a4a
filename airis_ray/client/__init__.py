"""What a notebook imports: `airis_ray.connect(url, key)` → Arrow, polars, pandas, Ray Data."""

from airis_ray.client.connection import Connection, connect
from airis_ray.client.frames import Frame, SeriesFrame
from airis_ray.client.judged import DetectFrame, ForecastFrame

__all__ = ["Connection", "DetectFrame", "ForecastFrame", "Frame", "SeriesFrame", "connect"]

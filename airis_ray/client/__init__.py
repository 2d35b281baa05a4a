"""What a notebook imports: `airis_ray.connect(url, key)` → Arrow, polars, pandas, Ray Data."""

from airis_ray.client.connection import Connection, connect
from airis_ray.client.frames import Frame, SeriesFrame

__all__ = ["Connection", "Frame", "SeriesFrame", "connect"]

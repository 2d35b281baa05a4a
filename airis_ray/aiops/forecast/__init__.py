"""Forecasts with calibrated intervals, for many series at once."""

from airis_ray.aiops.forecast.calendar import Calendar
from airis_ray.aiops.forecast.capacity import Reached, reached
from airis_ray.aiops.forecast.result import Forecast
from airis_ray.aiops.forecast.run import forecast

__all__ = ["Calendar", "Forecast", "Reached", "forecast", "reached"]

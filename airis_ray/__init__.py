"""AIRIS-Ray: an open AIOps platform on Ray Serve and ClickHouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airis_ray.client import connect

__version__ = "0.1.0"
__all__ = ["__version__", "connect"]


def __getattr__(name: str) -> object:
    # The client is imported when it is asked for: a replica that imports the package pays nothing for it.
    if name == "connect":
        from airis_ray.client import connect

        return connect
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

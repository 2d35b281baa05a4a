"""AIRIS-Ray: an open AIOps platform on Ray Serve and ClickHouse."""

__version__ = "0.1.0"

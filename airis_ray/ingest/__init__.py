"""Telemetry in: OTLP over HTTP and gRPC, decoded to Arrow and committed to the store in groups."""

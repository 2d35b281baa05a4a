"""Kafka between ingest and the store: the producer's side and the consumers'."""

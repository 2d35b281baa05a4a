from __future__ import annotations

from airis_ray.settings import KafkaSettings
from airis_ray.stream.topics import wanted_topics


def test_each_signal_has_a_topic_and_one_for_its_dead_letters() -> None:
    settings = KafkaSettings(
        topic_prefix="x.", partitions=6, replication=3, retention="1d", dead_letter_retention="2d"
    )
    topics = wanted_topics(settings, 1000)
    assert [(topic.name, topic.partitions) for topic in topics] == [
        ("x.otlp_logs", 6),
        ("x.otlp_logs.dlq", 1),
        ("x.otlp_spans", 6),
        ("x.otlp_spans.dlq", 1),
        ("x.otlp_metrics", 6),
        ("x.otlp_metrics.dlq", 1),
    ]
    first, dead = topics[:2]
    assert first.config["min.insync.replicas"] == "2"
    assert first.config["retention.ms"] == "86400000"
    assert dead.config["retention.ms"] == "172800000"
    assert 1000 < int(first.config["max.message.bytes"]) < int(dead.config["max.message.bytes"])


def test_one_copy_is_in_sync_with_itself() -> None:
    assert {topic.config["min.insync.replicas"] for topic in wanted_topics(KafkaSettings(), 1000)} == {"1"}

"""What became of every record that was sent here, counted so that a loss shows.

::

    received = accepted + refused + expired
    accepted = stored + dead_lettered + repeated + expired + on the way

The first line is counted by ingest (by the consumer for what a Collector wrote to Kafka), the second by the consumer
(by ingest where there is no Kafka). Every count of a record stands under the minute in which it was received, whenever
it is made: so both lines hold for each minute by itself, and what a killed replica did not write down hides no loss of
another minute.
"""

from airis_ray.accounts.counts import TABLE, Counts, Key, Outcome, Stage, minute_of
from airis_ray.accounts.stream import StreamCounts

__all__ = ["TABLE", "Counts", "Key", "Outcome", "Stage", "StreamCounts", "minute_of"]

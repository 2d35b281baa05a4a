"""Every metric of the accounts' own working, with its meaning and what to do when it moves."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

FAILED_WRITES: Final = Counter(
    "airis_accounts_failed_writes",
    "Times that an ingest replica could not write its counts; they are kept and written later. Cure: look at the "
    "store's own state in /readyz",
)
LOST_COUNTS: Final = Counter(
    "airis_accounts_lost_counts",
    "Records that were handled and not counted, because the store had been away for hours. The records themselves are "
    "not lost; the accounts of their minutes are short",
)

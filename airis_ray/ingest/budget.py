"""How many bytes may be on their way to the store at once."""

from __future__ import annotations

from airis_ray.errors import Overloaded, TooLarge

_MIN_RETRY = 1.0
_MAX_RETRY = 30.0


class Budget:
    """Counts bytes held; refuses what would go past the limit. For one event loop, hence without a lock."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self.commit_seconds = 0.0

    def take(self, nbytes: int, already: int = 0) -> None:
        """Hold ``nbytes`` more for a request that holds ``already``.

        Raises TooLarge where they would never fit, Overloaded (with ``retry_after`` in seconds) where they do
        not fit now.
        """
        if already + nbytes > self.limit:
            raise TooLarge(
                f"this request takes {already + nbytes} bytes here, more than the {self.limit} that may be on "
                "their way to the store at once (AIRIS_INGEST_MAX_PENDING_BYTES): send it in smaller parts"
            )
        if self.held + nbytes > self.limit:
            raise Overloaded(
                "what is behind ingest does not keep up; nothing of this request was kept, send it again later",
                retry_after=self.retry_after,
            )
        self.held += nbytes

    def give(self, nbytes: int) -> None:
        """Let go of ``nbytes`` taken before."""
        self.held -= nbytes

    def observe(self, seconds: float) -> None:
        """Learn how long a group took from closing to acknowledgement: the longest of the last few counts."""
        self.commit_seconds = max(seconds, 0.8 * self.commit_seconds)

    @property
    def retry_after(self) -> float:
        """Seconds after which room is likely: the time of two groups, between 1 and 30."""
        return min(_MAX_RETRY, max(_MIN_RETRY, 2 * self.commit_seconds))


class Reservation:
    """The bytes that one request holds while its body is read and decoded; a context that gives them back."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held = 0

    def grow(self, nbytes: int) -> None:
        """Hold ``nbytes`` more; raises as :meth:`Budget.take`."""
        self._budget.take(nbytes, self._held)
        self._held += nbytes

    def release(self) -> None:
        """Give everything back; safe to call twice."""
        self._budget.give(self._held)
        self._held = 0

    def __enter__(self) -> Reservation:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

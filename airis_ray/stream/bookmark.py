"""The words beside a committed offset: what the next owner of a partition has to know to go on exactly as this one.

The broker keeps up to 4,096 characters of metadata with each offset. Ours are JSON of at most some hundred, so that
`kafka-consumer-groups` shows them to people.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Final

import orjson

_VERSION: Final = 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bookmark:
    """What was known when the offset was committed.

    ``last``: a batch from the committed offset to this one, both included, may be in the store already, and has to be
    made again just so. ``since``: the oldest message among which repeats are looked for. ``thousand`` and ``dead``: in
    which thousand of offsets the dead letters were counted, and how many there were.
    """

    last: int | None = None
    since: int | None = None
    thousand: int = 0
    dead: int = 0

    def write(self) -> str:
        """As metadata."""
        known = {name: value for name, value in asdict(self).items() if value}
        if self.since == 0:
            known["since"] = 0
        if self.last == 0:
            known["last"] = 0
        return orjson.dumps({"airis": _VERSION} | known).decode()

    @classmethod
    def read(cls, metadata: str) -> Bookmark:
        """From metadata. What is not ours (offsets that an operator has set with other tools) says nothing."""
        if not metadata:
            return cls()
        try:
            words = orjson.loads(metadata)
            numbers = {name: words[name] for name in ("last", "since", "thousand", "dead") if name in words}
            if words.get("airis") != _VERSION or any(type(n) is not int or n < 0 for n in numbers.values()):
                raise ValueError("another version, or no numbers")
        except (ValueError, TypeError, AttributeError) as error:
            _log.warning(
                "the metadata beside a committed offset is not ours and is passed over: a batch that was under way "
                "could be stored twice",
                extra={"metadata": metadata[:200], "reason": str(error)},
            )
            return cls()
        return cls(**numbers)

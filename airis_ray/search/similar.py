"""``/similar-logs``: the patterns of logs that mean what a text says, in whichever language.

Three things are added up. The model's nearness, taken from the mean of the range's own templates, because those of one
tenant all look alike to it. Letters in common. And the trade's words for the same thing
(:mod:`airis_ray.search.sayings`), which a small model does not know well: 교착 상태 is ``deadlock``.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from airis_ray.search.embedding import Embedder
from airis_ray.search.meaning import quoted
from airis_ray.search.models import SimilarAnswer, SimilarPattern, SimilarRequest
from airis_ray.search.sayings import concepts
from airis_ray.search.templates import WILDCARD, Template, Templates
from airis_ray.telemetry.times import format_time, parse_range

Scores = npt.NDArray[np.float64]

_LETTERS: Final = 0.2
_WORDS: Final = 0.8
_EVEN: Final = 1.0 + _LETTERS + _WORDS


class Similar:
    """Finds patterns by meaning. ``clock`` tells nanoseconds since 1970."""

    def __init__(self, templates: Templates, embedder: Embedder, clock: Callable[[], int]) -> None:
        self._templates, self._embedder, self._clock = templates, embedder, clock

    async def find(self, asked: SimilarRequest, tenant: str) -> SimilarAnswer:
        """The patterns of the range that are nearest in meaning to the text, best first."""
        found = await self._templates.of(tenant, parse_range(asked.from_, asked.to, self._clock()))
        templates = found.templates
        scores = await asyncio.to_thread(self._scores, asked.text, templates) if templates else np.zeros(0)
        best = np.argsort(-scores, kind="stable")[: asked.limit]
        patterns = [_pattern(templates[number], float(scores[number])) for number in best]
        return SimilarAnswer(patterns=patterns, templates=len(templates), sampled=found.sampled)

    def _scores(self, text: str, templates: Sequence[Template]) -> Scores:
        texts = [_plain(each.text) for each in templates]
        scores = (
            self._by_model(text, texts)
            + _LETTERS * by_letters(text, texts)
            + _WORDS * by_words(text, [each.example for each in templates])
        )
        return np.asarray(np.clip(scores / _EVEN, 0.0, 1.0), dtype=np.float64)

    def _by_model(self, text: str, texts: Sequence[str]) -> Scores:
        vectors = self._embedder.passages(texts)
        if not vectors:
            return np.zeros(len(texts))
        matrix = np.stack([vectors[each] for each in texts if each in vectors])
        middle = matrix.mean(axis=0)
        query = _unit(self._embedder.query(text)[None, :] - middle)[0]
        near = dict(
            zip((each for each in texts if each in vectors), _unit(matrix - middle) @ query, strict=True)
        )
        return np.array([float(near.get(each, 0.0)) for each in texts])


def by_letters(text: str, texts: Sequence[str]) -> Scores:
    """The share of a text's letter pairs and triples that each of the others has, rare ones counting more."""
    grams = [_grams(each) for each in texts]
    carried = Counter(gram for each in grams for gram in each)
    wanted = {gram: math.log(1 + len(texts) / (1 + carried[gram])) for gram in _grams(text)}
    total = sum(wanted.values()) or 1.0
    return np.array([sum(wanted[gram] for gram in wanted.keys() & each) / total for each in grams])


def by_words(text: str, examples: Sequence[str]) -> Scores:
    """The share of what a text says that each example says, too, in any of the trade's words; rare ones count more."""
    lowered = [example.lower() for example in examples]
    said = [
        np.array([any(form in example for form in forms) for example in lowered], dtype=float)
        for forms in concepts(text)
    ]
    if not said:
        return np.zeros(len(examples))
    weights = [math.log(1 + len(examples) / (1 + float(each.sum()))) for each in said]
    total = sum(
        (weight * each for weight, each in zip(weights, said, strict=True)), start=np.zeros(len(examples))
    )
    return np.asarray(total / sum(weights), dtype=np.float64)


def _grams(text: str) -> set[str]:
    folded = re.sub(r"[^0-9a-z가-힣]+", " ", text.lower())
    return {
        folded[at : at + size]
        for size in (2, 3)
        for at in range(len(folded) - size + 1)
        if " " not in folded[at : at + size]
    }


def _unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)


def _plain(template: str) -> str:
    return " ".join(template.replace(WILDCARD, " ").split())


def _pattern(template: Template, score: float) -> SimilarPattern:
    return SimilarPattern(
        template=template.text,
        score=round(score, 4),
        count=template.count,
        example=template.example,
        services=list(template.services),
        first_seen=format_time(template.first_seen),
        last_seen=format_time(template.last_seen),
        query=_query(template),
    )


def _query(template: Template) -> str:
    """The longest stretches of the pattern's own words, as phrases."""
    parts = sorted((part.strip() for part in template.text.split(WILDCARD)), key=len, reverse=True)
    phrases = [part for part in parts if len(part) > 2][:3]
    return " and ".join(quoted(part) for part in phrases)

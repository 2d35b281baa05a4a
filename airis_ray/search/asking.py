"""``/ask``: a question in, a checked request and its result out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Protocol

from airis_ray.errors import AirisError, InvalidInput
from airis_ray.search.catalog import Catalog, Catalogs
from airis_ray.search.checking import check
from airis_ray.search.execution import Caller, Executor
from airis_ray.search.models import Alternative, AskAnswer, AskRequest, ProposedRequest
from airis_ray.search.others import others
from airis_ray.search.periods import zone_of
from airis_ray.search.requests import Proposal
from airis_ray.search.telling import sentence
from airis_ray.search.understanding import Understanding, read_question
from airis_ray.telemetry.times import parse_time

_SURE: Final = 0.97
_GUESS: Final = 0.12
_UNEXPLAINED: Final = 0.2
_UNSAID_TIME: Final = 0.03

_log = logging.getLogger(__name__)


class Model(Protocol):
    """A language model that proposes requests (:mod:`airis_ray.search.llm`)."""

    async def propose(self, question: str, now: datetime, catalog: Catalog) -> Proposal | None:
        """A request for the question; None where the model has none. Unchecked."""


class Asker:
    """Answers questions. ``clock`` tells nanoseconds since 1970; ``model`` proposes first where there is one."""

    def __init__(
        self, catalogs: Catalogs, executor: Executor, clock: Callable[[], int], model: Model | None = None
    ) -> None:
        self._catalogs, self._executor, self._clock, self._model = catalogs, executor, clock, model

    async def ask(self, asked: AskRequest, caller: Caller) -> AskAnswer:
        """The answer to a question, by the grammar or by the model; with its result where that was asked for.

        Raises InvalidInput for a time or a zone that cannot be read, Unavailable where the tenant's names cannot be.
        """
        now = _now(asked, self._clock())
        catalog = await self._catalogs.of(caller.tenant, int(now.timestamp()) * 10**9)
        found = read_question(asked.question, now, asked.time_zone or _offset_name(now), catalog)
        proposal = await self._proposal(asked, found, catalog, now)
        if proposal is not None and proposal.endpoint == "/api/aiops/forecast":
            proposal = await self._with_series(proposal, caller)
        answer = _answer(found, proposal, catalog)
        if asked.execute and proposal is not None:
            return await self._executed(answer, proposal, caller)
        return answer

    async def _proposal(
        self, asked: AskRequest, found: Understanding, catalog: Catalog, now: datetime
    ) -> Proposal | None:
        """The model's where there is one and it passes the checks, else the grammar's."""
        now_ns = int(now.timestamp()) * 10**9
        if self._model is not None:
            try:
                proposed = await self._model.propose(asked.question, found.now, catalog)
                if proposed is not None:
                    check(proposed, now_ns)
                    return proposed
            except AirisError as error:
                _log.warning("the language model's proposal is not used: %s", error)
        if found.proposal is not None:
            check(found.proposal, now_ns)
        return found.proposal

    async def _with_series(self, proposal: Proposal, caller: Caller) -> Proposal:
        """A forecast's request holds the series itself: it is read with the caller's rights."""
        request = proposal.body.get("series")
        if not isinstance(request, dict):
            return proposal
        answer = await self._executor.run(Proposal("POST", "/api/analytics/timeseries", request), caller)
        series = [
            {"timestamps": answer["timestamps"], "values": each["values"], "labels": each["labels"]}
            for each in answer["series"]
        ]
        return Proposal(proposal.method, proposal.endpoint, {**proposal.body, "series": series})

    async def _executed(self, answer: AskAnswer, proposal: Proposal, caller: Caller) -> AskAnswer:
        try:
            result = await self._executor.run(proposal, caller)
        except AirisError as error:
            return answer.model_copy(update={"result_error": str(error)})
        return answer.model_copy(update={"result": result})


def _now(asked: AskRequest, clock_ns: int) -> datetime:
    """The question's ``now`` with its offset (or that of its zone)."""
    if asked.now is None:
        moment = datetime.fromtimestamp(clock_ns / 1e9, UTC)
        return moment.replace(microsecond=0)
    try:
        moment = datetime.fromisoformat(asked.now)
    except ValueError:
        try:
            return datetime.fromtimestamp(parse_time(asked.now, clock_ns, pointer="/now") / 1e9, UTC)
        except InvalidInput as error:
            raise error from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone_of(asked.time_zone))


def _offset_name(now: datetime) -> str:
    """The zone of fixed offset that ``now`` was written with, by a name that the zone database has."""
    offset = now.utcoffset() or timedelta()
    hours = offset.total_seconds() / 3600
    if hours != int(hours) or offset == timedelta() or isinstance(now.tzinfo, timezone) is False:
        return "UTC"
    return f"Etc/GMT{-int(hours):+d}"


def _answer(found: Understanding, proposal: Proposal | None, catalog: Catalog) -> AskAnswer:
    by_model = proposal is not None and proposal.endpoint != (
        found.proposal.endpoint if found.proposal else ""
    )
    understood = sentence(found)
    if by_model and found.proposal is None and proposal is not None:
        understood = f"{proposal.method} {proposal.endpoint}"
    return AskAnswer(
        understood=understood,
        language="ko" if found.language == "ko" else "en",
        request=None if proposal is None else _request(proposal),
        confidence=0.0 if proposal is None else _confidence(found),
        alternatives=[
            Alternative(understood=sentence(each), request=_request(each.proposal))
            for each in others(found, catalog)
            if each.proposal is not None
        ],
        unresolved=found.meaning.unresolved,
    )


def _request(proposal: Proposal) -> ProposedRequest:
    return ProposedRequest(
        method="GET" if proposal.method == "GET" else "POST", endpoint=proposal.endpoint, body=proposal.body
    )


def _confidence(found: Understanding) -> float:
    meaning = found.meaning
    doubt = _GUESS * len(meaning.guesses) + _UNEXPLAINED * len(meaning.unresolved)
    doubt += 0.0 if found.times.ranges else _UNSAID_TIME
    return round(max(_SURE - doubt, 0.05), 2)

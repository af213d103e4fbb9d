"""One request from texts to vectors: tokens, cache, queue, and what overload allows."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from freshet import metrics
from freshet.errors import RejectedRecord
from inference.body import Asked
from inference.cache import TextCache
from inference.errors import ApiError, bad_request
from inference.instances import BadItem, Instances
from inference.lanes import LANES, DeadlinePassed, Full, Job, Lane, Lanes, Monotonic
from inference.model import Model, Row, Vector

_WAITING = metrics.INFERENCE_WAITING.gauge()
_REFUSED = metrics.INFERENCE_REFUSED.counter()
_SHORT_CHARS = 4_096
"""Texts of at most this many characters are tokenised on the event loop; handing them to a thread takes longer."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the request's headers say. ``deadline`` is on the queue's clock."""

    lane: Lane
    deadline: float
    fallback: bool = False


@dataclass(slots=True)
class Embedded:
    """Vectors float32 (n, dimension). ``fallbacks`` are the indexes answered with a similar text's vector."""

    vectors: NDArray[np.float32]
    tokens: int
    hits: int
    fallbacks: list[int] = field(default_factory=list)


class Embeddings:
    """``embed`` belongs to one event loop."""

    def __init__(
        self,
        model: Model,
        lanes: Lanes,
        instances: Instances,
        cache: TextCache | None,
        max_request_tokens: int,
        clock: Monotonic,
    ) -> None:
        self._model = model
        self._lanes = lanes
        self._instances = instances
        self._cache = cache
        self._max_request_tokens = max_request_tokens
        self._clock = clock
        for lane in LANES:
            _WAITING.labels(lane).set_function(functools.partial(lanes.waiting, lane))

    async def embed(self, asked: Asked, wish: Wish) -> Embedded:
        """Raises ApiError. Cancelled, it leaves nothing in the queue that would still be computed."""
        rows = await self._rows(asked)
        tokens = sum(len(row) for row in rows)
        if tokens > self._max_request_tokens:
            message = f"{tokens} tokens; a request may have {self._max_request_tokens}."
            raise bad_request("too_many_tokens", message, "input")
        texts = [item if isinstance(item, str) else None for item in asked.items]
        vectors: list[Vector | None] = self._cache.find(rows) if self._cache else [None] * len(rows)
        missing = [index for index, vector in enumerate(vectors) if vector is None]
        hits = len(rows) - len(missing)
        if missing:
            try:
                computed = await self._compute([rows[index] for index in missing], missing, wish)
            except Full as full:
                return self._fall_back(texts, vectors, missing, tokens, hits, wish, full)
            for index, vector in zip(missing, computed, strict=True):
                vectors[index] = vector
            if self._cache:
                self._cache.keep(
                    [rows[index] for index in missing], [texts[index] for index in missing], list(computed)
                )
        return Embedded(_stacked(vectors), tokens, hits)

    async def _rows(self, asked: Asked) -> list[Row]:
        items = asked.items
        texts = [item for item in items if isinstance(item, str)]
        if texts:
            try:
                if sum(map(len, texts)) <= _SHORT_CHARS:
                    rows = self._model.encode(texts)
                else:
                    rows = await asyncio.get_running_loop().run_in_executor(None, self._model.encode, texts)
            except RejectedRecord as error:
                raise bad_request("invalid_unicode", f"A text is not valid Unicode: {error.detail}.", "input") from None
        else:
            rows = [self._ids(item, _where(index, items)) for index, item in enumerate(items)]  # type: ignore[arg-type]
        limit = self._model.max_tokens
        for index, row in enumerate(rows):
            if len(row) > limit:
                where = _where(index, items)
                message = f"{where} has {len(row)} tokens, {self._model.model} takes {limit}; no text is cut silently."
                raise bad_request("context_length_exceeded", message, where)
        return rows

    def _ids(self, ids: Sequence[int], where: str) -> Row:
        if min(ids) < 0 or max(ids) >= self._model.vocabulary:
            message = f"{where} has an id outside of 0 to {self._model.vocabulary - 1}, the model's vocabulary."
            raise bad_request("invalid_token", message, where)
        return np.array(ids, np.int32)

    async def _compute(self, rows: list[Row], places: Sequence[int], wish: Wish) -> NDArray[np.float32]:
        if wish.deadline <= self._clock():
            raise _too_late()
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def done(_: Job) -> None:
            # The loop may be closed already where the process ends in the middle of a computation.
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, ended)

        job = Job(rows, wish.lane, wish.deadline, done, self._model.dimension)
        self._lanes.put(job)
        try:
            await asyncio.wait_for(ended, max(0.0, wish.deadline - self._clock()))
        except asyncio.CancelledError:
            job.fail(DeadlinePassed())
            raise
        except (asyncio.TimeoutError, TimeoutError):
            job.fail(DeadlinePassed())
            raise _too_late() from None
        if isinstance(job.error, DeadlinePassed):
            raise _too_late()
        if isinstance(job.error, BadItem):
            where = f"input[{places[job.error.index]}]"
            message = f"The model has no vector for {where}: {job.error.reason}."
            # OpenAI's clients try a 500 again unless told; the same text would give the same.
            raise ApiError(500, "bad_vector", message, where, headers={"x-should-retry": "false"})
        if job.error is not None:
            raise ApiError(500, "model_failed", f"The model failed: {type(job.error).__name__}.") from job.error
        return job.vectors

    def _fall_back(
        self,
        texts: Sequence[str | None],
        vectors: list[Vector | None],
        missing: Sequence[int],
        tokens: int,
        hits: int,
        wish: Wish,
        full: Full,
    ) -> Embedded:
        """Raises ApiError(429) unless each missing text has a similar one in the cache, and these may be had."""
        wanted = [text for text in (texts[index] for index in missing) if text is not None]
        if wish.fallback and self._cache and len(wanted) == len(missing):
            similar = self._cache.find_similar(wanted)
            if all(vector is not None for vector in similar):
                for index, vector in zip(missing, similar, strict=True):
                    vectors[index] = vector
                return Embedded(_stacked(vectors), tokens, hits, list(missing))
        _REFUSED.labels("overload").inc()
        # When half of what waits is done, there is room again.
        seconds = max(1, min(60, math.ceil(self._instances.seconds_for(full.waiting) / 2)))
        message = f"{full.waiting} tokens wait for the model already; try again in {seconds} s."
        raise ApiError(429, "overloaded", message, headers={"retry-after": str(seconds)})


def _too_late() -> ApiError:
    _REFUSED.labels("deadline").inc()
    return ApiError(504, "deadline_exceeded", "The request's deadline passed before it was computed.")


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _stacked(vectors: Sequence[Vector | None]) -> NDArray[np.float32]:
    return np.stack([vector for vector in vectors if vector is not None])


def _where(index: int, items: Sequence[object]) -> str:
    return f"input[{index}]" if len(items) > 1 else "input"

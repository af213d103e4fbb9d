"""Dead letters with their reasons, and sending them back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from freshet.dead_letter_log import StoredLetter, letters
from freshet.redriving import Redrive
from freshet.settings import KafkaSettings
from search.answers import ErrorAnswer, json_response
from search.workers import Workers

EXAMINED: Final = 1_000
"""Records of the topic that are read for one list: the newest."""
SHOWN: Final = 100
MOST_AT_ONCE: Final = 100
MAX_KEY_CHARS: Final = 512


@dataclass(frozen=True, slots=True)
class ListedLetter:
    """A letter that was not sent back. ``origin`` is topic/partition/offset; empty where it never was a record."""

    partition: int
    offset: int
    written: str
    age_seconds: float
    stage: str
    reason: str
    detail: str
    key: str
    origin: str
    redrives: int
    redrivable: bool


@dataclass(frozen=True, slots=True)
class LetterList:
    """Newest first. ``waiting`` counts those among the newest thousand records, of which ``letters`` are the first."""

    letters: list[ListedLetter]
    waiting: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a letter stays where it is."""

    partition: int
    offset: int
    why: str


@dataclass(frozen=True, slots=True)
class RedriveAnswer:
    """``sent`` went back to where they came from."""

    sent: int
    refused: list[Refusal]


class Place(BaseModel):
    """Of a letter, as the list shows it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    partition: int = Field(ge=0, le=2**31 - 1)
    offset: int = Field(ge=0, le=2**63 - 1)


class RedriveRequest(BaseModel):
    """The body of ``POST /dead-letters/redrive``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    letters: Annotated[list[Place], Field(min_length=1, max_length=MOST_AT_ONCE)]


def dead_letter_routes(
    kafka: KafkaSettings, redrive: Redrive, workers: Workers, reading: Sequence[Any], writing: Sequence[Any]
) -> APIRouter:
    """``reading`` and ``writing`` are the dependencies that guard each."""
    router = APIRouter(tags=["dead letters"])

    @router.get("/dead-letters", responses={200: {"model": LetterList}}, dependencies=reading)
    async def dead_letters() -> Response:
        """What was refused and why, newest first; without what was sent back already."""
        return json_response(await workers.run(list_letters, kafka))

    @router.post(
        "/dead-letters/redrive",
        responses={
            200: {"model": RedriveAnswer},
            403: {"model": ErrorAnswer, "description": "without an API key it is for this machine only"},
        },
        dependencies=writing,
    )
    async def send_back(request: RedriveRequest) -> Response:
        """Send letters back to where they came from, byte for byte. Mend the cause first, or they come back."""
        places = {(one.partition, one.offset) for one in request.letters}
        done = await workers.run(redrive, kafka, places)
        refused = [Refusal(*place, why) for place, why in sorted(done.refused.items())]
        return json_response(RedriveAnswer(done.sent, refused))

    return router


def list_letters(kafka: KafkaSettings) -> LetterList:
    """Blocks for the reading. Raises UnavailableError when the broker does not answer."""
    waiting = [stored for stored in letters(kafka, newest=EXAMINED) if not stored.redriven]
    waiting.sort(key=lambda stored: (stored.written_ms, stored.offset), reverse=True)
    now = time.time()
    return LetterList([_listed(stored, now) for stored in waiting[:SHOWN]], len(waiting))


def _listed(stored: StoredLetter, now: float) -> ListedLetter:
    letter = stored.letter
    written = datetime.fromtimestamp(stored.written_ms / 1e3, timezone.utc)
    return ListedLetter(
        partition=stored.partition,
        offset=stored.offset,
        written=written.isoformat(timespec="milliseconds"),
        age_seconds=round(max(0.0, now - stored.written_ms / 1e3), 1),
        stage=letter.stage,
        reason=letter.reason,
        detail=letter.detail,
        key=(letter.key or b"").decode("utf-8", "replace")[:MAX_KEY_CHARS],
        origin=f"{letter.topic}/{letter.partition}/{letter.offset}" if letter.topic else "",
        redrives=letter.redrives,
        redrivable=letter.can_be_redriven,
    )

"""A running system, looked at from all sides at once, and what is wrong with it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from freshet.cli import api
from freshet.cli.flink_state import JobState, job_state
from freshet.cli.processes import ProcessState, process_state
from freshet.errors import FreshetError, UnavailableError
from freshet.settings import KafkaSettings
from freshet.stack.flink_job import ENDED
from freshet.stack.runfile import RunFile
from freshet.topics import JOB_GROUP

T = TypeVar("T")
_NO_JOB = ENDED | {"NONE"}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that keeps changes from becoming searchable, and what to do."""

    what: str
    remedy: str


@dataclass(slots=True)
class SystemState:
    """JSON-ready. None means that it could not be asked or is not part of this system."""

    started_at: str | None = None
    processes: list[ProcessState] = field(default_factory=list)
    job: JobState | None = None
    lag: dict[str, int] | None = None
    search: dict[str, Any] | None = None
    dead_letters: int | None = None
    files: dict[str, Any] | None = None
    troubles: list[Trouble] = field(default_factory=list)


def look(
    run: RunFile | None, state: Path, url: str | None, kafka: KafkaSettings | None, api_key: str | None
) -> SystemState:
    """Blocks until each part has answered or its time is over. Never raises FreshetError: what fails is a trouble."""
    seen = SystemState(started_at=run.started_at if run else None)
    if run is not None:
        seen.processes = [process_state(name, entry) for name, entry in run.processes.items()]
        seen.files = _files(state)
    with ThreadPoolExecutor(4) as pool:
        job = pool.submit(job_state, run.flink_url) if run else None
        search = pool.submit(_attempt, lambda: api.get(url, "/status", (), api_key, 5)) if url else None
        lag = pool.submit(_attempt, lambda: _lags(kafka, run)) if kafka else None
        dead = pool.submit(_attempt, lambda: _open_letters(kafka)) if kafka else None
    seen.job = job.result() if job else None
    for part, asked in (("search", search), ("lag", lag), ("dead_letters", dead)):
        if asked is None:
            continue
        answer = asked.result()
        if isinstance(answer, FreshetError):
            trouble = Trouble(f"{answer.what}: {answer.detail}" if answer.detail else answer.what, answer.remedy)
            if trouble not in seen.troubles:
                seen.troubles.append(trouble)
        else:
            setattr(seen, part, answer)
    seen.troubles = [*_dead_processes(seen), *_job_trouble(seen), *seen.troubles, *_consumer_trouble(seen)]
    return seen


def _attempt(ask: Callable[[], T]) -> T | FreshetError:
    try:
        return ask()
    except FreshetError as error:
        return error


def _lags(kafka: KafkaSettings, run: RunFile | None) -> dict[str, int]:
    from freshet.stack.flink_job import pending_records
    from freshet.stack.lag import lags

    behind = lags(kafka)
    if run is not None:
        # The source's own count: an idle one commits its offsets up to ten seconds late.
        with contextlib.suppress(UnavailableError):
            behind[JOB_GROUP] = pending_records(run.flink_url)
    return behind


def _open_letters(kafka: KafkaSettings) -> int:
    from freshet.dead_letter_log import letters

    return sum(not one.redriven for one in letters(kafka))


def _files(state: Path) -> dict[str, Any] | None:
    try:
        answer = msgspec.json.decode((state / "files" / "files.json").read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError):
        return None
    return answer


def _dead_processes(seen: SystemState) -> list[Trouble]:
    dead = [process for process in seen.processes if not process.alive]
    if dead and len(dead) == len(seen.processes):
        remedy = "start it with `make run` or `freshet up`: it goes on where it ended"
        return [Trouble("Freshet is not running: none of its processes lives, run.json is from an earlier run", remedy)]
    return [
        Trouble(f"{process.name} (pid {process.pid}) is dead", f"`freshet up` starts it again; why is in {process.log}")
        for process in dead
    ]


def _job_trouble(seen: SystemState) -> list[Trouble]:
    job = seen.job
    if job is None or job.well:
        return []
    if job.state == "UNREACHABLE":
        return [Trouble(f"Flink does not answer: {job.exception}", "see the log of jobmanager")]
    if job.state in _NO_JOB:
        why = f": {job.exception}" if job.exception else ""
        return [Trouble(f"No Flink job runs (the last one: {job.state}){why}", "`freshet up` submits it again")]
    what = f"The Flink job is {job.state}, {job.tasks_running} of {job.tasks} tasks run"
    return [Trouble(f"{what}: {job.exception}" if job.exception else what, "wait a moment; else see taskmanager's log")]


def _consumer_trouble(seen: SystemState) -> list[Trouble]:
    error = consumer_state(seen).get("error")
    return [Trouble(f"The consumer cannot write: {error}", "see the log of serve")] if error else []


def consumer_state(seen: SystemState) -> dict[str, Any]:
    """What the consumer says of itself, empty where it is in another process than search."""
    found = ((seen.search or {}).get("host") or {}).get("consumer")
    return found if isinstance(found, dict) else {}

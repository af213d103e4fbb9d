"""The Flink job as its JobManager sees it."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from freshet.stack.flink_job import ENDED

TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class JobState:
    """The newest job. ``state`` is Flink's word, ``NONE`` without a job, ``UNREACHABLE`` without a JobManager."""

    state: str
    name: str = ""
    tasks_running: int = 0
    tasks: int = 0
    exception: str = ""
    """First line of the newest failure, also where the job has recovered from it."""

    @property
    def well(self) -> bool:
        return self.state == "RUNNING" and 0 < self.tasks == self.tasks_running


def job_state(url: str) -> JobState:
    """Blocks a few seconds at most. Never raises."""
    try:
        with httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS) as client:
            jobs = client.get("/jobs/overview").raise_for_status().json()["jobs"]
            if not jobs:
                return JobState("NONE")
            job = max(jobs, key=lambda one: (one["state"] not in ENDED, one["start-time"]))
            exception = _exception(client, job["jid"])
            return JobState(job["state"], job["name"], job["tasks"]["running"], job["tasks"]["total"], exception)
    except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
        return JobState("UNREACHABLE", exception=str(error) or type(error).__name__)


def _exception(client: httpx.Client, job: str) -> str:
    answer = client.get(f"/jobs/{job}/exceptions").raise_for_status().json()
    entries = answer.get("exceptionHistory", {}).get("entries", [])
    trace = str(entries[0].get("stacktrace", "")) if entries else ""
    # The outermost line only says that the job recovers; the last cause says why.
    causes = [line for line in trace.splitlines() if line.startswith("Caused by: ")]
    lines = causes[-1:] or trace.splitlines()[:1]
    return lines[0].removeprefix("Caused by: ")[:500] if lines else ""

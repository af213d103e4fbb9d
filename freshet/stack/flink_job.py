"""The job on the cluster: submission as to a remote one, its state over REST, its end behind a savepoint."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from freshet.errors import UnavailableError
from freshet.stack.flink import FlinkHome
from freshet.stack.process import ProcessFailed, StackProcess, wait_until

STOP_SECONDS = 15
ENDED = frozenset({"FINISHED", "CANCELED", "FAILED"})
"""States of a job that is at its end, in Flink's words."""
_COMPLETE = ("*/chk-*/_metadata", "savepoint-*/_metadata")

log = logging.getLogger(__name__)


class JobSubmission(StackProcess):
    """``flink run`` of a Python module, as to a remote cluster. Ends once the job is accepted."""

    def __init__(self, home: FlinkHome, log: Path, module: str, settings: Mapping[str, str]) -> None:
        super().__init__("submit", log)
        self._home = home
        self._module = module
        self.settings = dict(settings)
        """Of the job at the next start."""

    def environment(self) -> Mapping[str, str]:
        return self._home.environment(**self.settings)

    def command(self) -> Sequence[str]:
        restore: list[str] = []
        if (checkpoint := latest_checkpoint(self._home.checkpoints)) is not None:
            restore = ["-s", f"file://{checkpoint}", "-n"]
        flink = str(self._home.distribution / "bin" / "flink")
        return [
            flink,
            "run",
            "-d",
            *restore,
            "-pyexec",
            sys.executable,
            "-pyclientexec",
            sys.executable,
            "-pym",
            self._module,
        ]

    def ready(self) -> bool:
        """Whether the client is done; raises ProcessFailed with its log if it failed."""
        if self.alive:
            return False
        if self._process is not None and self._process.returncode:
            self.check()
        return True


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest complete retained checkpoint, of whichever job run."""
    complete = [path.parent for pattern in _COMPLETE for path in folder.glob(pattern)]
    return max(complete, key=lambda path: (path / "_metadata").stat().st_mtime_ns, default=None)


def running_jobs(url: str) -> list[dict[str, Any]]:
    """Jobs that are not at their end, from the JobManager. Raises UnavailableError."""
    jobs = _get(url, "/jobs/overview")["jobs"]
    return [job for job in jobs if job["state"] not in ENDED]


def job_runs(url: str) -> bool:
    """Whether a job is RUNNING with every task running."""
    try:
        jobs = running_jobs(url)
    except UnavailableError:
        return False
    return any(job["state"] == "RUNNING" and job["tasks"]["running"] == job["tasks"]["total"] > 0 for job in jobs)


def pending_records(url: str) -> int:
    """Records on the job's input that it has not read, by the source's own count. Raises UnavailableError.

    The offsets that it commits are no such count: an idle source commits up to ten seconds late.
    """
    total = 0
    for job in running_jobs(url):
        for vertex in _get(url, f"/jobs/{job['jid']}")["vertices"]:
            place = f"/jobs/{job['jid']}/vertices/{vertex['id']}/metrics"
            names = [one["id"] for one in _get(url, place) if one["id"].endswith(".pendingRecords")]
            if names:
                total += sum(int(float(one["value"])) for one in _get(url, f"{place}?get={','.join(names)}"))
    return total


def stop_job(home: FlinkHome) -> None:
    """Stop every job behind a savepoint, so that the next run starts where this one ended. Never raises."""
    try:
        for job in running_jobs(home.url):
            request = {"targetDirectory": f"file://{home.checkpoints}", "drain": False}
            httpx.post(f"{home.url}/jobs/{job['jid']}/stop", json=request, timeout=5).raise_for_status()
        wait_until(lambda: not running_jobs(home.url), "the job has stopped", STOP_SECONDS)
    except (httpx.HTTPError, UnavailableError, ProcessFailed) as error:
        # The last periodic checkpoint serves as well: at most its interval is replayed.
        log.warning("no final savepoint: %s", error)


def _get(url: str, path: str) -> Any:
    try:
        # Reading the authorities of TLS takes milliseconds in which no other thread of this process runs.
        return httpx.get(url + path, timeout=5, verify=url.startswith("https")).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise UnavailableError(f"Flink at {url} does not answer", str(error), "see the JobManager's log") from error

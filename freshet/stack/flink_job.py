"""The job on the cluster: submission as to a remote one, its state over REST, its end behind a savepoint."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from freshet.errors import UnavailableError
from freshet.flink_rest import ENDED, job_runs, pending_records, running_jobs
from freshet.stack.flink import FlinkHome
from freshet.stack.flink_client import FlinkClient
from freshet.stack.process import ProcessFailed, wait_until

__all__ = [
    "ENDED",
    "JobSubmission",
    "job_runs",
    "latest_checkpoint",
    "pending_records",
    "running_jobs",
    "stop_job",
]

STOP_SECONDS = 15
_COMPLETE = ("*/chk-*/_metadata", "savepoint-*/_metadata")

log = logging.getLogger(__name__)


class JobSubmission(FlinkClient):
    """``flink run`` of a Python module, as to a remote cluster. Ends once the job is accepted."""

    def __init__(self, home: FlinkHome, log: Path, module: str, settings: Mapping[str, str]) -> None:
        super().__init__("submit", home, log)
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


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest complete retained checkpoint, of whichever job run."""
    complete = [path.parent for pattern in _COMPLETE for path in folder.glob(pattern)]
    return max(complete, key=lambda path: (path / "_metadata").stat().st_mtime_ns, default=None)


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

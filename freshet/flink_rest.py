"""Flink's jobs, from the REST address of a cluster, wherever it runs."""

from __future__ import annotations

from typing import Any

import httpx

from freshet.errors import UnavailableError

ENDED = frozenset({"FINISHED", "CANCELED", "FAILED"})
"""States of a job that is at its end, in Flink's words."""


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


def _get(url: str, path: str) -> Any:
    try:
        # Reading the authorities of TLS takes milliseconds in which no other thread of this process runs.
        return httpx.get(url + path, timeout=5, verify=url.startswith("https")).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise UnavailableError(f"Flink at {url} does not answer", str(error), "see the JobManager's log") from error

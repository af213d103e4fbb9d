"""Each alert fires on the watched stack when what it is for happens. Rules as written, in a test's shorter windows.

The tests build on one another: what is broken at the end stays so.
"""

from __future__ import annotations

import socket
from collections import Counter
from contextlib import ExitStack

import httpx

from freshet.stack.flink_job import job_runs, running_jobs
from freshet.stack.process import wait_until
from grafana.generator.alerts import ALERTS
from tests.integration.observed.watched import SECONDS, Watched, alert, wait_none_left

LARGER_THAN_ANY_DISK = str(10**15)
QUESTIONS = 400
"""More than may wait for a thread of the search API."""
RESTARTS = 3
SUDDEN = {
    "LagGrows", "NoCanary", "CanaryLost", "CaptureStopped", "StoreErrors", "SearchesFail", "ProcessDown",
    "ProcessRestarts", "JobNotRunning", "CheckpointsFail", "MonitorBlind",
}  # fmt: skip
"""Alerts that have no reason before their fault, but for a moment where the machine is small and busy."""


def test_bad_records_and_a_damaged_model_are_told(watched: Watched) -> None:
    watched.wait_fired(
        alert("DeadLettersRise"),
        alert("DeadLettersWait"),
        alert("ModelDrifted"),
        alert("ModelRevisionsDiffer"),
        alert("EmbeddingsFail"),
        alert("IndexBacklog"),
    )


def test_nothing_is_told_all_the_time(watched: Watched) -> None:
    def loud(left: list[str]) -> list[str]:
        # Of the job, what lies behind its last checkpoint counts as lag.
        firing = {one["alertname"] for one in watched.firing() if one.get("group") != "freshet-flink-job"}
        return [one for one in left if one in firing]

    wait_none_left(SUDDEN, loud, "each alert was quiet once", watched.stack.processes)


def test_more_questions_than_it_can_answer_are_told(watched: Watched) -> None:
    port = watched.stack.settings.search_port
    with ExitStack() as opened:
        clients = [
            opened.enter_context(socket.create_connection(("127.0.0.1", port), SECONDS)) for _ in range(QUESTIONS)
        ]
        with watched.stack.serve.frozen():
            for number, client in enumerate(clients):
                client.sendall(f"GET /search?q=question+{number} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        statuses = Counter(client.recv(12)[-3:] for client in clients)
    assert statuses[b"503"] > 0
    assert statuses[b"200"] > 0, "who came first is answered"
    watched.wait_fired(alert("SearchesFail"))


def test_a_process_that_starts_again_and_again_is_told(watched: Watched) -> None:
    files = watched.stack.files
    for number in range(1, RESTARTS + 1):
        files.kill()
        files.start()
        watched.record()
        seen = f'changes(freshet_process_start_time_seconds{{process="files"}}[1m]) >= {number}'
        wait_until(lambda seen=seen: bool(watched.query(seen)), "its start is seen", SECONDS, (watched.monitor,))  # type: ignore[misc]
    watched.wait_fired(alert("ProcessRestarts", process="files"))


def test_a_full_disk_is_told_and_then_that_changes_were_late(watched: Watched) -> None:
    serve = watched.stack.serve
    reserve = "FRESHET_STORE_DISK_RESERVE"
    serve.kill()
    serve.settings[reserve] = LARGER_THAN_ANY_DISK
    serve.start()
    watched.wait_fired(
        alert("StoreErrors"), alert("LagGrows", group="freshet-consumer"), alert("CanaryLost"), alert("NoCanary")
    )
    assert httpx.get(f"{watched.stack.search_url}/search", params={"q": "ships"}).status_code == 200
    serve.kill()
    del serve.settings[reserve]
    serve.start()
    serve.wait_ready(SECONDS)
    watched.record()
    watched.wait_fired(alert("FreshnessBudgetBurnsFast"), alert("FreshnessBudgetBurnsSlowly"))


def test_processes_that_die_are_told(watched: Watched) -> None:
    assert watched.stack.capture is not None
    assert job_runs(watched.stack.flink.url)
    for process in (watched.stack.taskmanager, watched.stack.capture.connect):
        process.kill()
    watched.wait_fired(
        alert("ProcessDown", process="taskmanager"),
        alert("ProcessDown", component="taskmanager"),
        alert("ProcessDown", process="connect"),
        alert("CaptureStopped", capture="sample"),
        alert("CheckpointsFail"),
        alert("LagGrows", group="freshet-flink-job"),
    )


def test_a_job_that_was_cancelled_is_told(watched: Watched) -> None:
    url = watched.stack.flink.url
    for job in running_jobs(url):
        httpx.patch(f"{url}/jobs/{job['jid']}", params={"mode": "cancel"}).raise_for_status()
    watched.wait_fired(alert("JobNotRunning"))


def test_a_monitor_that_dies_is_told(watched: Watched) -> None:
    watched.monitor.kill()
    watched.wait_fired(alert("MonitorBlind"))


def test_no_alert_is_left_that_never_fired(watched: Watched) -> None:
    fired = watched.query('count by (alertname) (count_over_time(ALERTS{alertstate="firing"}[1h]))')
    assert {one["metric"]["alertname"] for one in fired} == {alert.name for alert in ALERTS}

"""The whole pipeline on this machine: what runs, in which order it starts, and how it drains."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import httpx
import psutil
from filelock import FileLock, Timeout

from freshet.errors import UnavailableError, UsageError
from freshet.settings import KafkaSettings
from freshet.stack import jars
from freshet.stack.flink import FlinkHome, JobManager, TaskManager
from freshet.stack.flink_job import JobSubmission, job_runs, pending_records, stop_job
from freshet.stack.kafka import KafkaBroker, create_topics
from freshet.stack.lag import lags, replay_documents
from freshet.stack.process import ProcessFailed, StackProcess, accepts, free_port, wait_until
from freshet.stack.python_process import PythonProcess
from freshet.stack.runfile import RunFile, read_run_file, remove_run_file, write_run_file
from freshet.stack.settings import StackSettings
from freshet.topics import CONSUMER_GROUP

JOB_MODULE = "flink_jobs.main"
REPUBLISH = "FRESHET_FILES_REPUBLISH"
MIN_FREE_BYTES = 1 << 30
START_SECONDS = 120

Progress = Callable[[str, float], None]
"""Called with a step's name and its done share from 0 to 1."""


class LocalStack:
    """One owner per state folder. ``start`` blocks until a search would be answered and changes flow."""

    def __init__(self, settings: StackSettings) -> None:
        self.settings = settings
        self.state = settings.state.resolve()
        self._lock = FileLock(self.state / "lock")
        self._started_at = datetime.now(timezone.utc).isoformat(timespec="seconds")

    def prepare(self, progress: Progress) -> None:
        """Take the state folder, fetch the Java parts, lay out the processes. Raises UsageError."""
        self._take_folder()
        self._check_machine()
        cache = self.settings.cache / "jars"
        kafka_jars = jars.resolve("kafka", cache, progress)
        flink_jars = jars.resolve("flink", cache, progress)
        archives = self.state / "classes"
        self.broker = KafkaBroker(
            self.state / "kafka", kafka_jars, self._log("kafka"), self.settings.kafka_port, archives
        )
        self.flink = FlinkHome(self.state / "flink", flink_jars, archives, self.settings.flink_port)
        self.job_metrics_port = free_port()
        stage = self._stage_settings()
        self.jobmanager = JobManager(self.flink, self._log("jobmanager"))
        self.taskmanager = TaskManager(self.flink, self._log("taskmanager"))
        self.submission = JobSubmission(self.flink, self._log("submit"), JOB_MODULE, stage)
        self.serve = PythonProcess(
            "serve", self._log("serve"), "freshet.host", ("consumer", "search"), stage, self._search_ready
        )
        self.files = PythonProcess("files", self._log("files"), "producers.files", (), stage)

    @property
    def processes(self) -> tuple[StackProcess, ...]:
        """All that should be alive, in the order of their start."""
        always = (self.broker, self.jobmanager, self.taskmanager, self.serve)
        return (*always, self.files) if self.settings.watch else always

    @property
    def search_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.search_port}"

    def start(self, progress: Progress) -> None:
        """Start everything. Steps overlap where they can: most of the time is the start of four JVMs."""
        if self.settings.rebuild:
            shutil.rmtree(self.state / "store", ignore_errors=True)
            shutil.rmtree(self.flink.checkpoints, ignore_errors=True)
        self.broker.start()
        self.jobmanager.start()
        # The client needs seconds before it talks to the cluster, and then tries until it answers.
        self.submission.start()
        self.broker.wait_ready(START_SECONDS)
        progress("broker", 1)
        create_topics(self.broker.bootstrap)
        if self.settings.rebuild:
            replay_documents(KafkaSettings(bootstrap=self.broker.bootstrap))
        self.serve.start()
        self.jobmanager.wait_ready(START_SECONDS)
        self.taskmanager.start()
        self.serve.wait_ready(START_SECONDS)
        progress("search", 1)
        self.submission.wait_ready(START_SECONDS)
        wait_until(
            lambda: job_runs(self.flink.url), "the Flink job runs", START_SECONDS, (self.jobmanager, self.taskmanager)
        )
        progress("flink job", 1)
        if self.settings.watch:
            self.files.start()
            # Once: when the supervisor starts it again, what it published counts.
            self.files.settings.pop(REPUBLISH, None)
        self.record()

    def record(self) -> None:
        """Write run.json with the processes that live now."""
        watch = str(self.settings.watch.resolve()) if self.settings.watch else None
        entries = {process.name: process.entry() for process in self.processes if process.alive}
        write_run_file(
            self.state,
            RunFile(
                self._started_at,
                self.broker.bootstrap,
                self.search_url,
                self.flink.url,
                watch,
                entries,
                f"http://127.0.0.1:{self.job_metrics_port}/metrics",
            ),
        )

    def drain(self, seconds: float = 8) -> bool:
        """Stop the producer, then let what is published become searchable. False when some is left for next time."""
        self.files.stop()
        if not (self.serve.alive and self.broker.alive):
            return False
        try:
            wait_until(lambda: self.backlog() == 0, "everything published is searchable", seconds)
        except (ProcessFailed, UnavailableError):
            return False
        return True

    def backlog(self) -> int:
        """Records that the job has not read, or the consumer not written. Raises UnavailableError."""
        return pending_records(self.flink.url) + lags(KafkaSettings(bootstrap=self.broker.bootstrap))[CONSUMER_GROUP]

    def stop(self) -> None:
        """Orderly, in the direction of the flow. Safe when some never started or died."""
        self.files.stop()
        if self.jobmanager.alive and self.taskmanager.alive:
            stop_job(self.flink)
        self.submission.stop()
        for process in (self.serve, self.taskmanager, self.jobmanager, self.broker):
            process.stop()
        self._leave()

    def abort(self) -> None:
        """SIGKILL to all that was started; the next start picks up from what was durable."""
        if not self._lock.is_locked:
            return
        for name in ("files", "submission", "serve", "taskmanager", "jobmanager", "broker"):
            if (process := getattr(self, name, None)) is not None:
                process.kill()
        self._leave()

    def _leave(self) -> None:
        remove_run_file(self.state)
        self._lock.release()

    def _stage_settings(self) -> dict[str, str]:
        stage = {
            "FRESHET_KAFKA_BOOTSTRAP": self.broker.bootstrap,
            "FRESHET_STORE_PATH": str(self.state / "store"),
            "FRESHET_SEARCH_PORT": str(self.settings.search_port),
            "FRESHET_JOB_CACHE_PATH": str(self.state / "vectors.sqlite"),
            "FRESHET_JOB_METRICS_PORT": str(self.job_metrics_port),
            "FRESHET_FILES_STATE": str(self.state / "files"),
            "FRESHET_MODEL_CACHE": os.environ.get("FRESHET_MODEL_CACHE", str(self.settings.cache / "models")),
        }
        if self.settings.watch:
            stage["FRESHET_FILES_ROOT"] = str(self.settings.watch.resolve())
        if self.settings.rebuild:
            stage[REPUBLISH] = "true"
        return {**stage, **dict(self.settings.environment)}

    def _search_ready(self) -> bool:
        try:
            return httpx.get(f"{self.search_url}/readyz", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False

    def _log(self, name: str) -> Path:
        path = self.state / "logs" / f"{name}.log"
        if path.exists():
            path.replace(path.with_suffix(".log.1"))
        return path

    def _take_folder(self) -> None:
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(
                f"the state folder {self.state} is in use",
                "another `freshet up` or `make run` runs on it",
                "use that one, stop it with Ctrl-C, or choose another folder with --state",
            ) from None
        except OSError as error:
            raise UsageError(
                f"cannot write to the state folder {self.state}", str(error), "choose another with --state"
            ) from error
        self._end_leftovers()

    def _end_leftovers(self) -> None:
        """Processes of a supervisor that was killed: they hold the ports and the store."""
        try:
            entries = read_run_file(self.state).processes.values()
        except UsageError:
            return
        for entry in entries:
            try:
                process = psutil.Process(entry.pid)
                if abs(process.create_time() - entry.create_time) < 1:
                    process.kill()
                    process.wait(10)
            except psutil.NoSuchProcess:
                continue
        remove_run_file(self.state)

    def _check_machine(self) -> None:
        free = psutil.disk_usage(str(self.state)).free
        if free < MIN_FREE_BYTES:
            raise UsageError(
                f"too little disk space for {self.state}",
                f"{free >> 20} MB are free, at least {MIN_FREE_BYTES >> 20} MB are needed",
                "free some, or choose another folder with --state",
            )
        if self.settings.watch is not None and not self.settings.watch.is_dir():
            raise UsageError(f"{self.settings.watch} is no folder", "", "name one with `make run WATCH=folder`")
        # A search server of an earlier run may need a moment to let go.
        deadline = time.monotonic() + 2
        while accepts(self.settings.search_port):
            if time.monotonic() > deadline:
                raise UsageError(
                    f"port {self.settings.search_port} is taken",
                    "another program listens on it",
                    "end it, or choose another port with --port",
                )
            time.sleep(0.1)

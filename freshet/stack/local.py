"""The whole pipeline on this machine: what runs, in which order it starts, and how it drains."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from freshet.errors import UnavailableError, UsageError
from freshet.settings import KafkaSettings
from freshet.stack import jars
from freshet.stack.capture import ChangeCapture
from freshet.stack.flink import FlinkHome, JobManager, TaskManager
from freshet.stack.flink_job import JobSubmission, job_runs, pending_records, stop_job
from freshet.stack.job_shape import JobShape
from freshet.stack.kafka import KafkaBroker
from freshet.stack.kafka_cluster import KafkaCluster
from freshet.stack.lag import lags, replay_documents, reread_documents
from freshet.stack.observers import MetricsPorts, Observers
from freshet.stack.process import ProcessFailed, StackProcess, accepts, wait_until
from freshet.stack.python_process import PythonProcess
from freshet.stack.runfile import RunFile, write_run_file
from freshet.stack.settings import StackSettings
from freshet.stack.stages import REPUBLISH, Stages, wanted_inference, wanted_qdrant
from freshet.stack.state_folder import StateFolder
from freshet.topics import CONSUMER_GROUP

JOB_MODULE = "flink_jobs.main"
START_SECONDS = 120

Progress = Callable[[str, float], None]
"""Called with a step's name and its done share from 0 to 1."""


class LocalStack:
    """One owner per state folder. ``start`` blocks until a search would be answered and changes flow."""

    def __init__(self, settings: StackSettings) -> None:
        self.settings = settings
        self.state = settings.state.resolve()
        self._folder = StateFolder(self.state)
        self._started_at = datetime.now(timezone.utc).isoformat(timespec="seconds")

    def prepare(self, progress: Progress) -> None:
        """Take the state folder, fetch the Java parts, lay out the processes. Raises UsageError."""
        self._folder.take()
        self._check_machine()
        self.qdrant = wanted_qdrant(self.settings, self.state / "qdrant", self._log)
        cache = self.settings.cache / "jars"
        kafka_jars = jars.resolve("kafka", cache, progress)
        flink_jars = jars.resolve("flink", cache, progress)
        if self.settings.embedding == "ml-predict":
            flink_jars += jars.resolve("flink-model", cache, progress)
        settings = self.settings
        self.kafka = KafkaCluster(
            self.state / "kafka",
            kafka_jars,
            self._log,
            settings.brokers,
            settings.kafka_port,
            settings.archives,
            settings.kafka_proxy_port,
        )
        self.flink = FlinkHome(
            self.state / "flink", flink_jars, settings.archives, settings.flink_port, settings.prometheus
        )
        self.metrics_ports = MetricsPorts()
        self.inference = wanted_inference(settings, self._log)
        stages = Stages(
            settings,
            self.state,
            self._log,
            self.bootstrap,
            self.flink,
            self.metrics_ports,
            self.qdrant,
            self.inference,
        )
        told = stages.environment
        self.jobmanager = JobManager(self.flink, self._log("jobmanager"))
        self.taskmanager = TaskManager(self.flink, self._log("taskmanager"))
        self.submission = JobSubmission(self.flink, self._log("submit"), JOB_MODULE, told)
        self.hosts, self.files, self.canary = stages.hosts, stages.files, stages.canary
        self.capture: ChangeCapture | None = None
        self.observers: Observers | None = None
        if settings.postgres or settings.postgres_url or settings.capture:
            self.capture = ChangeCapture(settings, self.state, self.bootstrap, self._log, told, self.metrics_ports.cdc)
        if settings.prometheus:
            self.observers = Observers(self.state, self._log, told, settings.scrape_seconds, settings.rules)

    @property
    def processes(self) -> tuple[StackProcess, ...]:
        """All that should be alive, in the order of their start."""
        servers = [one for one in (self.qdrant, self.inference) if one is not None]
        always = (*self.kafka.brokers, self.jobmanager, self.taskmanager, *servers, *self.hosts)
        observers = () if self.observers is None else self.observers.processes
        return (*always, *self._producers, *self._capturing, *observers)

    @property
    def _producers(self) -> tuple[PythonProcess, ...]:
        """What publishes, started last."""
        files = (self.files,) if self.settings.watch else ()
        return (*files, self.canary) if self.settings.canary else files

    @property
    def _capturing(self) -> tuple[StackProcess, ...]:
        """All of change capture, in the direction of the flow: the database ends first."""
        return () if self.capture is None else self.capture.processes

    @property
    def broker(self) -> KafkaBroker:
        """The first, and mostly the only one."""
        return self.kafka.brokers[0]

    @property
    def bootstrap(self) -> str:
        """Every broker's address."""
        return self.kafka.bootstrap

    @property
    def consumer(self) -> PythonProcess:
        """The process that writes the store. With the embedded store it is ``serve``."""
        return self.hosts[0]

    @property
    def serve(self) -> PythonProcess:
        """The process that answers searches."""
        return self.hosts[-1]

    @property
    def search_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.search_port}"

    def start(self, progress: Progress) -> None:
        """Start everything. Steps overlap where they can: most of the time is the start of four JVMs."""
        if self.settings.rebuild:
            for folder in (self.state / "store", self.state / "qdrant", self.flink.checkpoints):
                shutil.rmtree(folder, ignore_errors=True)
            if self.capture is not None:
                self.capture.read_again()
        shape = JobShape(self.flink.checkpoints, self.submission.settings)
        reshaped = shape.changed()
        if reshaped:
            shape.forget()
        self.kafka.start()
        if self.qdrant is not None:
            self.qdrant.start()
        if self.inference is not None:
            self.inference.start()
        self.jobmanager.start()
        # The client needs seconds before it talks to the cluster, and then tries until it answers.
        self.submission.start()
        self.kafka.wait_ready(START_SECONDS)
        progress("broker", 1)
        self.kafka.create_topics()
        if self.capture is not None:
            self.capture.start()
        if self.settings.rebuild:
            replay_documents(KafkaSettings(bootstrap=self.bootstrap))
        elif reshaped:
            reread_documents(KafkaSettings(bootstrap=self.bootstrap))
        shape.keep()
        if self.qdrant is not None:
            self.qdrant.wait_ready(START_SECONDS)
        for host in self.hosts:
            host.start()
        if self.observers is not None:
            self.observers.start()
        self.jobmanager.wait_ready(START_SECONDS)
        self.taskmanager.start()
        for host in self.hosts:
            host.wait_ready(START_SECONDS)
        progress("search", 1)
        self.submission.wait_ready(START_SECONDS)
        wait_until(
            lambda: job_runs(self.flink.url), "the Flink job runs", START_SECONDS, (self.jobmanager, self.taskmanager)
        )
        progress("flink job", 1)
        if self.capture is not None:
            self.capture.register(START_SECONDS)
            progress("change capture", 1)
        if self.settings.watch:
            self.files.start()
            # Once: when the supervisor starts it again, what it published counts.
            self.files.settings.pop(REPUBLISH, None)
        if self.settings.canary:
            self.canary.start()
        self.record()

    def record(self) -> None:
        """Write run.json with the processes that live now."""
        watch = str(self.settings.watch.resolve()) if self.settings.watch else None
        entries = {process.name: process.entry() for process in self.processes if process.alive}
        write_run_file(
            self.state,
            RunFile(
                self._started_at,
                self.bootstrap,
                self.search_url,
                self.flink.url,
                watch,
                entries,
                f"http://127.0.0.1:{self.metrics_ports.job}/metrics",
                self.metrics_addresses,
                "" if self.observers is None else self.observers.prometheus.url,
                "" if self.capture is None else self.capture.connect.url,
            ),
        )
        if self.observers is not None:
            self.observers.scrape(self.metrics_addresses)

    @property
    def metrics_addresses(self) -> dict[str, str]:
        """host:port by component of what serves ``/metrics`` for Prometheus to ask."""
        ports = {self.serve.name: self.settings.search_port, "job": self.metrics_ports.job, **self.flink.metrics_ports}
        if self.consumer is not self.serve:
            ports[self.consumer.name] = self.metrics_ports.consumer
        if self.settings.watch:
            ports[self.files.name] = self.metrics_ports.files
        if self.settings.canary:
            ports[self.canary.name] = self.metrics_ports.canary
        if self.inference is not None:
            ports[self.inference.name] = self.inference.port
        if self.capture is not None:
            ports[self.capture.producer.name] = self.capture.metrics_port
        return {component: f"127.0.0.1:{port}" for component, port in ports.items()}

    def drain(self, seconds: float = 8) -> bool:
        """Stop the producers, then let what is published become searchable. False when some is left for next time."""
        for producer in (self.canary, self.files, *self._capturing):
            producer.stop()
        if not (self.consumer.alive and self.broker.alive):
            return False
        try:
            wait_until(lambda: self.backlog() == 0, "everything published is searchable", seconds)
        except (ProcessFailed, UnavailableError):
            return False
        return True

    def backlog(self) -> int:
        """Records that the job has not read, or the consumer not written. Raises UnavailableError."""
        return pending_records(self.flink.url) + lags(KafkaSettings(bootstrap=self.bootstrap))[CONSUMER_GROUP]

    def stop(self) -> None:
        """Orderly, in the direction of the flow. Safe when some never started or died."""
        for producer in (self.canary, self.files, *self._capturing):
            producer.stop()
        if self.jobmanager.alive and self.taskmanager.alive:
            stop_job(self.flink)
        self.submission.stop()
        for host in self.hosts:
            host.stop()
        if self.observers is not None:
            self.observers.stop()
        for process in (self.taskmanager, self.jobmanager, self.inference, self.kafka, self.qdrant):
            if process is not None:
                process.stop()
        self._folder.leave()

    def abort(self) -> None:
        """SIGKILL to all that was started; the next start picks up from what was durable."""
        if not self._folder.taken:
            return
        for process in self._laid_out():
            process.kill()
        self._folder.leave()

    def _laid_out(self) -> list[StackProcess]:
        """Everything that ``prepare`` has come to."""
        single = ("canary", "files", "submission", "taskmanager", "jobmanager", "inference", "qdrant")
        processes = [process for name in single if (process := getattr(self, name, None)) is not None]
        cluster: KafkaCluster | None = getattr(self, "kafka", None)
        observers: Observers | None = getattr(self, "observers", None)
        processes += () if observers is None else observers.processes
        capture: ChangeCapture | None = getattr(self, "capture", None)
        processes += () if capture is None else capture.processes
        return [*getattr(self, "hosts", ()), *processes, *(() if cluster is None else cluster.brokers)]

    def _log(self, name: str) -> Path:
        path = self.state / "logs" / f"{name}.log"
        if path.exists():
            path.replace(path.with_suffix(".log.1"))
        return path

    def _check_machine(self) -> None:
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

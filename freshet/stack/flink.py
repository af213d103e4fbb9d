"""A standalone Flink cluster from the apache-flink wheel: JobManager and TaskManager as processes."""

from __future__ import annotations

import os
import site
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from freshet.stack.java import class_archive, java_environment, java_home
from freshet.stack.process import MODEL_PROCESS, StackProcess, free_port

DEFAULT_REST_PORT = 8081
SLOTS = 4
TASK_HEAP_MB = 384
_JVM = "-XX:+UseSerialGC"
_REPORTER = "metrics-prometheus"
_QUIET = """
# It warns of every sink with a committer at each checkpoint.
logger.metricgroup.name = org.apache.flink.metrics.MetricGroup
logger.metricgroup.level = ERROR
logger.clients.name = org.apache.flink.kafka.shaded
logger.clients.level = WARN
"""


class FlinkHome:
    """What the cluster's processes share: configuration, libraries and checkpoints under one folder."""

    def __init__(
        self,
        folder: Path,
        connector_jars: Sequence[Path],
        archives: Path,
        rest_port: int | None = None,
        reporters: bool = False,
    ) -> None:
        """With ``reporters`` both JVMs serve Flink's metrics, on every address: Flink has no setting for it."""
        self.folder = folder
        self.archives = archives
        self.rest_port = rest_port or free_port(DEFAULT_REST_PORT)
        self.rpc_port = free_port()
        self._connectors = connector_jars
        self.metrics_ports = {name: free_port() for name in ("jobmanager", "taskmanager")} if reporters else {}
        """Of Flink's Prometheus reporters, by process."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.rest_port}"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def distribution(self) -> Path:
        import pyflink

        return Path(pyflink.__path__[0])

    def environment(self, **extra: str) -> Mapping[str, str]:
        """For the cluster's JVMs and the client. PYTHONPATH is where a thread-mode job finds its imports."""
        return java_environment(
            FLINK_HOME=str(self.distribution),
            FLINK_CONF_DIR=str(self.folder / "conf"),
            FLINK_LIB_DIR=str(self.folder / "lib"),
            FLINK_LOG_DIR=str(self.folder / "log"),
            FLINK_PID_DIR=str(self.folder),
            FLINK_PLUGINS_DIR=str(self.folder / "plugins"),
            PYTHONPATH=os.pathsep.join((str(Path(__file__).parents[2]), *site.getsitepackages())),
            **MODEL_PROCESS,
            **extra,
        )

    def prepare(self) -> None:
        for name in ("conf", "lib", "log", "checkpoints", "tmp", f"plugins/{_REPORTER}"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._link_libraries()
        conf = self.folder / "conf"
        for source in (self.distribution / "conf").glob("log4j*"):
            (conf / source.name).write_text(source.read_text() + _QUIET)
        options = _option_line(self.distribution / "conf" / "config.yaml", "all:")
        settings = {
            "env.java.opts.all": f"{options} {_JVM}",
            # It lives for seconds: the second compiler would cost more than it saves.
            "env.java.opts.client": "-XX:TieredStopAtLevel=1",
            "jobmanager.rpc.address": "127.0.0.1",
            "jobmanager.bind-host": "127.0.0.1",
            "jobmanager.rpc.port": self.rpc_port,
            "jobmanager.execution.failover-strategy": "region",
            "taskmanager.host": "127.0.0.1",
            "taskmanager.bind-host": "127.0.0.1",
            "taskmanager.numberOfTaskSlots": SLOTS,
            # All sizes are said, as TaskManagerRunner demands when no script derives them.
            "taskmanager.cpu.cores": SLOTS,
            "taskmanager.memory.framework.heap.size": "128m",
            "taskmanager.memory.task.heap.size": f"{TASK_HEAP_MB}m",
            "taskmanager.memory.framework.off-heap.size": "128m",
            "taskmanager.memory.task.off-heap.size": "0m",
            "taskmanager.memory.network.min": "32m",
            "taskmanager.memory.network.max": "32m",
            "taskmanager.memory.managed.size": "0m",
            "taskmanager.memory.jvm-metaspace.size": "256m",
            "taskmanager.memory.jvm-overhead.min": "192m",
            "taskmanager.memory.jvm-overhead.max": "192m",
            "taskmanager.registration.timeout": "5 min",
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.port": self.rest_port,
            "io.tmp.dirs": self.folder / "tmp",
            "execution.checkpointing.dir": f"file://{self.checkpoints}",
            "cluster.registration.initial-timeout": "100 ms",
            "cluster.registration.error-delay": "500 ms",
            "heartbeat.interval": "2 s",
            "heartbeat.timeout": "20 s",
            "web.cancel.enable": "true",
            "metrics.fetcher.update-interval": "1 s",
        }
        (conf / "config.yaml").write_text("".join(f'{name}: "{value}"\n' for name, value in settings.items()))

    def java(self, name: str, main: str, *options: str) -> list[str]:
        """Command of a cluster process. Without the shell scripts, which start three JVMs to read the settings."""
        conf = self.folder / "conf"
        every = _option_line(self.distribution / "conf" / "config.yaml", "all:").split()
        class_path = ":".join(str(jar) for jar in sorted((self.folder / "lib").glob("*.jar")))
        return [
            f"{java_home()}/bin/java",
            *(*every, _JVM, *options),
            f"-Dlog4j.configurationFile=file:{conf / 'log4j-console.properties'}",
            f"-Dlog.file={self.folder / 'log' / name}.log",
            *("-cp", class_path, main, "--configDir", str(conf)),
            *self._reporter(name),
        ]

    def _reporter(self, name: str) -> list[str]:
        if (port := self.metrics_ports.get(name)) is None:
            return []
        factory = "org.apache.flink.metrics.prometheus.PrometheusReporterFactory"
        settings = {"factory.class": factory, "port": port}
        return [
            "-Dmetrics.reporters=prometheus",
            *(f"-Dmetrics.reporter.prometheus.{key}={value}" for key, value in settings.items()),
        ]

    def _link_libraries(self) -> None:
        lib = self.folder / "lib"
        plugin = self.folder / "plugins" / _REPORTER
        for old in (*lib.iterdir(), *plugin.iterdir()):
            old.unlink()
        for jar in self.distribution.glob(f"plugins/{_REPORTER}/*.jar"):
            (plugin / jar.name).symlink_to(jar)
        wheel = (*self.distribution.glob("lib/*.jar"), *self.distribution.glob("opt/flink-python*.jar"))
        for jar in (*wheel, *self._connectors):
            (lib / jar.name).symlink_to(jar)


class JobManager(StackProcess):
    def __init__(self, home: FlinkHome, log: Path) -> None:
        super().__init__("jobmanager", log)
        self._home = home

    def prepare(self) -> None:
        self._home.prepare()

    def environment(self) -> Mapping[str, str]:
        return self._home.environment()

    def command(self) -> Sequence[str]:
        main = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
        # It does little: the second compiler would cost more than it saves.
        options = ("-Xmx256m", "-XX:MaxMetaspaceSize=192m", "-XX:TieredStopAtLevel=1")
        # Not for the other two: Janino, with which they compile the job's code, fails on archived classes.
        archive = class_archive(self._home.archives, self.name)
        return [*self._home.java(self.name, main, *options, *archive), "--executionMode", "cluster"]

    def ready(self) -> bool:
        return _overview(self._home) is not None


class TaskManager(StackProcess):
    """Start it after the JobManager: it asks again only every few seconds."""

    def __init__(self, home: FlinkHome, log: Path) -> None:
        super().__init__("taskmanager", log)
        self._home = home

    def environment(self) -> Mapping[str, str]:
        return self._home.environment()

    def command(self) -> Sequence[str]:
        heap = f"{TASK_HEAP_MB + 128}m"
        # It fills 100 MB of classes at its start; a smaller first size costs three full collections on the way.
        metaspace = ("-XX:MetaspaceSize=160m", "-XX:MaxMetaspaceSize=256m")
        options = (f"-Xms{heap}", f"-Xmx{heap}", "-XX:MaxDirectMemorySize=160m", *metaspace)
        return self._home.java(self.name, "org.apache.flink.runtime.taskexecutor.TaskManagerRunner", *options)

    def ready(self) -> bool:
        overview = _overview(self._home)
        return overview is not None and overview["slots-total"] > 0


def _overview(home: FlinkHome) -> dict[str, int] | None:
    try:
        answer: dict[str, int] = httpx.get(f"{home.url}/overview", timeout=1).raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return None
    return answer


def _option_line(config: Path, key: str) -> str:
    line = next(line for line in config.read_text().splitlines() if line.strip().startswith(key))
    return line.split(":", 1)[1].strip()

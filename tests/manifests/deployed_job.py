"""The FlinkDeployment as Flink's operator would run it: an application cluster, started from the manifest alone.

What only the image or Kubernetes has is mapped: paths, addresses, ports, and the leader's election, of which one
process needs none. Everything else is passed on as it is written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from freshet.stack.flink import FlinkHome
from freshet.stack.flink_job import job_runs, running_jobs
from freshet.stack.process import StackProcess, wait_until
from tests.manifests.overlays import Object, of_kind
from tests.manifests.workloads import workloads

START_SECONDS = 180
"""Others may use the same two cores."""
PYTHON = "/opt/freshet/bin/python"


class FlinkProcess(StackProcess):
    """One of the distribution's scripts, with the manifest's environment."""

    def __init__(
        self, name: str, home: FlinkHome, log: Path, script: Sequence[str], settings: Mapping[str, str]
    ) -> None:
        super().__init__(name, log)
        self._home = home
        self._script = script
        self._settings = settings

    def environment(self) -> Mapping[str, str]:
        return self._home.environment(**self._settings)

    def command(self) -> Sequence[str]:
        return [str(self._home.distribution / "bin" / self._script[0]), "start-foreground", *self._script[1:]]


class DeployedJob:
    """JobManager and TaskManager of one FlinkDeployment."""

    def __init__(
        self, objects: tuple[Object, ...], folder: Path, jars: Sequence[Path], environment: Mapping[str, str]
    ) -> None:
        """``environment`` replaces what the manifest says of addresses and of files that are mounted."""
        self._folder = folder
        self._objects = objects
        (self._owner,) = of_kind(objects, "FlinkDeployment")
        self._spec: dict[str, Any] = self._owner["spec"]
        self._mapped = environment
        self._home = FlinkHome(folder, jars, folder)
        self._processes: list[FlinkProcess] = []
        self.url = self._home.url

    def start(self, savepoint: str | None = None) -> None:
        """Block until every task runs."""
        self._home.prepare()
        (self._folder / "conf" / "config.yaml").write_text(json.dumps(self.configuration()))
        restore = ["--fromSavepoint", savepoint] if savepoint else []
        job = self._spec["job"]
        manager = self._process(
            "jobmanager", "standalone-job.sh", "--job-classname", job["entryClass"], *restore, *self.arguments()
        )
        manager.start()
        wait_until(self._answers, "the JobManager answers", START_SECONDS, (manager,))
        worker = self._process("taskmanager", "taskmanager.sh")
        worker.start()
        self._processes = [manager, worker]
        wait_until(lambda: job_runs(self.url), "the job runs", START_SECONDS, self._processes)

    def stop_with_savepoint(self) -> str:
        """As an upgrade does. Returns the savepoint's address, once the cluster has ended."""
        (job,) = running_jobs(self.url)
        request = {"targetDirectory": self.configuration()["execution.checkpointing.savepoint-dir"], "drain": False}
        trigger = httpx.post(f"{self.url}/jobs/{job['jid']}/stop", json=request).raise_for_status().json()["request-id"]
        place: list[str] = []

        def completed() -> bool:
            answer = httpx.get(f"{self.url}/jobs/{job['jid']}/savepoints/{trigger}").raise_for_status().json()
            if answer["status"]["id"] == "COMPLETED":
                assert "location" in answer["operation"], answer
                place.append(answer["operation"]["location"])
            return bool(place)

        wait_until(completed, "the savepoint is complete", 60, self._processes)
        self.stop()
        return place[0]

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.stop()

    def arguments(self) -> list[str]:
        return [sys.executable if one == PYTHON else one for one in self._spec["job"]["args"]]

    def configuration(self) -> dict[str, str]:
        """The manifest's, with the storage as a folder and free ports."""
        said = {name: self._local(str(value)) for name, value in self._spec["flinkConfiguration"].items()}
        for name in [name for name in said if name.startswith("high-availability")]:
            del said[name]
        return {
            **said,
            "jobmanager.memory.process.size": self._spec["jobManager"]["resource"]["memory"],
            "taskmanager.memory.process.size": self._spec["taskManager"]["resource"]["memory"],
            "parallelism.default": str(self._spec["job"]["parallelism"]),
            # Two processes on one machine; pods have an address each.
            **{name: "0" for name in said if name.endswith("port")},
            "jobmanager.rpc.port": str(self._home.rpc_port),
            "jobmanager.rpc.address": "127.0.0.1",
            "taskmanager.host": "127.0.0.1",
            "rest.port": str(self._home.rest_port),
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "metrics.reporters": "",
            "io.tmp.dirs": str(self._folder / "tmp"),
            # A TaskManager that comes first asks again at once.
            "cluster.registration.error-delay": "500 ms",
        }

    def _process(self, name: str, *script: str) -> FlinkProcess:
        (pod,) = [one for one in workloads(self._objects) if one.kind == "FlinkDeployment"]
        said = {name: value for name, value in pod.environment(self._objects).items() if value is not None}
        return FlinkProcess(name, self._home, self._folder / f"{name}.log", script, {**said, **self._mapped})

    def _local(self, value: str) -> str:
        scheme, mark, rest = value.partition("://")
        if not mark or scheme not in ("s3", "file"):
            return value
        return f"file://{self._folder / 'storage' / Path(rest).name}"

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/overview", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False

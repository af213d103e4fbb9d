"""What scripts meet instead of a cluster: a kubectl that notes what it is asked, and answers by a plan."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.manifests.overlays import ROOT

BIN = Path(sys.executable).parent
SCRIPTS = ROOT / ".github" / "scripts"
MANIFESTS = """apiVersion: v1
kind: Namespace
metadata:
  name: freshet
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: note
data:
  release: {mark}
  text: |
    not a document of its own:
    ---
    kind: Deployment
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: search
---
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata:
  name: vector-ingestion-job
---
apiVersion: kafka.strimzi.io/v1
kind: Kafka
metadata:
  name: vector-cluster
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata:
  name: documents
"""


@dataclass(frozen=True, slots=True)
class Call:
    call: str
    kinds: list[str]
    marks: list[str]


class Cluster:
    """What scripts meet instead of a cluster."""

    def __init__(self, folder: Path, *, smoke: str = "found", fails: str | None = None, kept: bool = True) -> None:
        self._folder = folder
        commands = folder / "bin"
        commands.mkdir()
        shutil.copy(ROOT / "tests/manifests/fake_kubectl.py", commands / "kubectl")
        (commands / "kubectl").chmod(0o755)
        before = base64.b64encode(gzip.compress(MANIFESTS.format(mark="before").encode())).decode() if kept else ""
        plan: list[dict[str, Any]] = [] if fails is None else [{"call": fails, "exit": 1, "error": "no\n", "times": 1}]
        plan += [
            {"call": "^kustomize ", "answer": MANIFESTS.format(mark="new")},
            {"call": "get configmap freshet-release", "answer": before},
            {"call": "create configmap freshet-release", "answer": "kind: ConfigMap\n"},
            {"call": "get deployments,statefulsets", "answer": "deployment.apps/search\nstatefulset.apps/qdrant\n"},
            {"call": "exec deployment/search", "answer": f"{smoke}\n", "times": 1},
            {"call": "exec deployment/search", "answer": "absent\n"},
        ]
        (folder / "plan.json").write_text(json.dumps(plan))

    def run(self, script: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PATH": f"{self._folder / 'bin'}:{BIN}:{os.environ['PATH']}",
            "FAKE_KUBECTL": str(self._folder),
            "SMOKE_SECONDS": "1",
            "SMOKE_PAUSE": "0.1",
            **more,
        }
        command = [str(SCRIPTS / script), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    def pretend(self, command: str, script: str) -> None:
        """Another command that notes what it is asked."""
        path = self._folder / "bin" / command
        path.write_text(f"#!/usr/bin/env bash\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    @property
    def calls(self) -> list[Call]:
        path = self._folder / "calls.jsonl"
        return [Call(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []

    def place(self, pattern: str, start: int = 0) -> int:
        """Of the first such call, by its order."""
        for number, one in enumerate(self.calls[start:], start):
            if re.search(pattern, one.call):
                return number
        raise AssertionError(f"{pattern} was not called:\n" + "\n".join(one.call for one in self.calls))

    def applied(self, kind: str, start: int = 0) -> int:
        for number, one in enumerate(self.calls[start:], start):
            if " apply " in one.call and kind in one.kinds:
                return number
        raise AssertionError(f"{kind} was not applied")

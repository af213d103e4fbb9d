"""The definitions of every kind that is no part of Kubernetes, from their authors' artifacts.

Of the versions that k8s/operators.env names, which are those that are installed; the sums here pin them.

``python -m tests.manifests.crds`` fetches them into ``.tools/crds``, as `make tools` does: it needs Go, whose module
proxy and checksum database it asks, and Maven Central.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values

from freshet.stack import jars
from freshet.stack.java import java_environment, java_home

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".tools" / "crds"
OPERATORS = {name: str(version) for name, version in dotenv_values(ROOT / "k8s" / "operators.env").items()}
"""Versions by name."""
Definition = dict[str, Any]


@dataclass(frozen=True, slots=True)
class GoModule:
    """``sum`` is what go.sum would say of it; ``files`` lie in ``folder``."""

    path: str
    version: str
    sum: str
    folder: str
    files: tuple[str, ...]


MODULES = (
    GoModule(
        "github.com/kedacore/keda/v2",
        f"v{OPERATORS['KEDA']}",
        "h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=",
        "config/crd/bases",
        ("keda.sh_scaledobjects.yaml", "keda.sh_triggerauthentications.yaml"),
    ),
    GoModule(
        "github.com/prometheus-operator/prometheus-operator",
        f"v{OPERATORS['PROMETHEUS_OPERATOR_API']}",
        "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
        "example/prometheus-operator-crd",
        tuple(f"monitoring.coreos.com_{kind}.yaml" for kind in ("podmonitors", "servicemonitors", "prometheusrules")),
    ),
    GoModule(
        "github.com/cert-manager/cert-manager",
        f"v{OPERATORS['CERT_MANAGER']}",
        "h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=",
        "deploy/crds",
        ("cert-manager.io_certificates.yaml", "cert-manager.io_issuers.yaml"),
    ),
    GoModule(
        "github.com/external-secrets/external-secrets",
        f"v{OPERATORS['EXTERNAL_SECRETS']}",
        "h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ=",
        "config/crds/bases",
        (
            "external-secrets.io_externalsecrets.yaml",
            "external-secrets.io_secretstores.yaml",
            "generators.external-secrets.io_passwords.yaml",
        ),
    ),
)
STRIMZI = ("kafka.Kafka", "nodepool.KafkaNodePool", "topic.KafkaTopic", "user.KafkaUser")
STRIMZI_CONNECT = ("connect.KafkaConnect", "connector.KafkaConnector")
FLINK = "META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml"
FLINK_VERSION = "v2_2"


def load() -> list[Definition] | None:
    """What was fetched; None where nothing was, or of other versions."""
    try:
        stored = json.loads((FOLDER / "crds.json").read_text())
    except (OSError, ValueError):
        return None
    return stored["definitions"] if stored["from"] == _wanted() else None


def _wanted() -> list[str]:
    return [f"{one.path}@{one.version}" for one in MODULES] + [jar.sha256 for jar in jars.pinned("crds")]


def _fetch() -> None:
    definitions = [*_from_modules(), *_from_jars(jars.resolve("crds", Path.home() / ".cache" / "freshet" / "jars"))]
    FOLDER.mkdir(parents=True, exist_ok=True)
    temporary = FOLDER / "crds.json.new"
    temporary.write_text(json.dumps({"from": _wanted(), "definitions": definitions}))
    temporary.replace(FOLDER / "crds.json")


def _from_modules() -> Iterator[Definition]:
    with tempfile.TemporaryDirectory() as outside:
        # Beside no go.mod, so that only these are fetched and nothing that they require.
        command = ["go", "mod", "download", "-json", *(f"{one.path}@{one.version}" for one in MODULES)]
        answer = subprocess.run(command, cwd=outside, check=True, capture_output=True, text=True).stdout
    found: dict[str, dict[str, str]] = {}
    decoder, rest = json.JSONDecoder(), answer.strip()
    while rest:
        one, end = decoder.raw_decode(rest)
        found[one["Path"]] = one
        rest = rest[end:].strip()
    for module in MODULES:
        assert found[module.path]["Sum"] == module.sum, f"{module.path} is not the pinned one"
        for name in module.files:
            yield yaml.safe_load((Path(found[module.path]["Dir"]) / module.folder / name).read_text())


def _from_jars(paths: list[Path]) -> Iterator[Definition]:
    with tempfile.TemporaryDirectory() as folder:
        outputs = {f"io.strimzi.api.kafka.model.{name}": Path(folder, name) for name in (*STRIMZI, *STRIMZI_CONNECT)}
        subprocess.run(
            [
                *(f"{java_home()}/bin/java", "-cp", ":".join(str(path) for path in paths)),
                *("io.strimzi.crdgenerator.CrdGenerator", "--target-kube", "1.30+", "--crd-api-version", "v1"),
                *(f"{name}={path}" for name, path in outputs.items()),
            ],
            env=dict(java_environment()),
            check=True,
        )
        for path in outputs.values():
            yield yaml.safe_load(path.read_text())
    operator = next(path for path in paths if "flink" in path.name)
    definition: Definition = yaml.safe_load(zipfile.ZipFile(operator).read(FLINK))
    _widen(definition)
    yield definition


def _widen(definition: Definition) -> None:
    """The newest operator published as a jar is older than the one that runs: it knows no Flink 2."""
    for version in definition["spec"]["versions"]:
        known = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["flinkVersion"]["enum"]
        known.append(FLINK_VERSION)


if __name__ == "__main__":
    _fetch()

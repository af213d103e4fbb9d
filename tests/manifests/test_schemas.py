"""Every object is what its kind's schema says, and a typo in any kind is refused: the check is checked."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import kubernetes_validate
import pytest

from tests.manifests.extension_server import ExtensionServer
from tests.manifests.overlays import K8S, Object, build, title

VERSIONS = ("1.32.0", "1.37.0")
"""Of Kubernetes: the oldest that the manifests are for, and the newest."""
_REFERENCE = re.compile(r'"#/\$defs/([^"]+)"')


def faults(kubeconform: Path, schemas: Path, objects: Sequence[Object], version: str) -> dict[int, str]:
    """What the schemas say against each built-in object, by its place."""
    # kubeconform names what it refuses by kind and name, which are no longer unique here.
    marked = [{**one, "metadata": {**one["metadata"], "name": f"n{number}"}} for number, one in enumerate(objects)]
    run = subprocess.run(
        [
            *(str(kubeconform), "-strict", "-output", "json", "-kubernetes-version", version),
            *("-schema-location", f"{schemas}/{version}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"),
        ],
        # JSON is YAML.
        input="\n---\n".join(json.dumps(one) for one in marked),
        capture_output=True,
        text=True,
    )
    assert run.stdout, run.stderr
    return {int(one["name"][1:]): one["msg"] for one in json.loads(run.stdout)["resources"]}


def mistyped(one: Object) -> Object:
    """A copy in which the first field of its content has a letter too many."""
    wrong = copy.deepcopy(one)
    content = wrong["spec"] if one.get("spec") else wrong
    field = next((key for key in content if key not in ("apiVersion", "kind", "metadata")), "metadata")
    content[f"{field}x"] = content.pop(field) if field != "metadata" else {}
    return wrong


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory, built_in: list[Object]) -> Path:
    """A folder for each version, with one file for each of our kinds that holds all it refers to.

    The package's files name each other by an address that only it understands.
    """
    folder = tmp_path_factory.mktemp("schemas")
    packaged = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    for version in VERSIONS:
        (folder / version).mkdir()
        source = packaged / f"v{version}-local-strict"
        definitions = json.loads((source / "_definitions.json").read_text())["$defs"]
        for api_version, kind in {(one["apiVersion"], one["kind"]) for one in built_in}:
            group, _, last = api_version.partition("/")
            name = "-".join(filter(None, (kind.lower(), group.split(".")[0], last))) + ".json"
            text = (source / name).read_text().replace('"/api/_definitions.json#', '"#')
            needed, found = {}, set(_REFERENCE.findall(text))
            while found:
                reference = found.pop()
                needed[reference] = definitions[reference]
                found |= set(_REFERENCE.findall(json.dumps(needed[reference]))) - needed.keys()
            (folder / version / name).write_text(json.dumps({**json.loads(text), "$defs": needed}))
    return folder


@pytest.fixture(scope="session")
def built_in(every_object: tuple[Object, ...]) -> list[Object]:
    return _distinct([one for one in (*every_object, *build(K8S / "deployer")) if _is_built_in(one)])


@pytest.fixture(scope="session")
def custom(every_object: tuple[Object, ...]) -> list[Object]:
    return _distinct([one for one in every_object if not _is_built_in(one)])


@pytest.mark.parametrize("version", VERSIONS)
def test_every_built_in_object_fits_its_schema(
    kubeconform: Path, schemas: Path, built_in: list[Object], version: str
) -> None:
    found = faults(kubeconform, schemas, built_in, version)
    assert {title(built_in[place]): what for place, what in found.items()} == {}


def test_a_typo_in_each_built_in_kind_is_refused(kubeconform: Path, schemas: Path, built_in: list[Object]) -> None:
    one_of_each = list({one["kind"]: one for one in built_in}.values())
    found = faults(kubeconform, schemas, [mistyped(one) for one in one_of_each], VERSIONS[-1])
    unseen = {one["kind"] for place, one in enumerate(one_of_each) if "not allowed" not in found.get(place, "")}
    assert unseen == set(), found


def test_the_server_takes_every_custom_object(api: ExtensionServer, custom: list[Object]) -> None:
    assert {title(one): api.dry_run(one) for one in custom if api.dry_run(one)} == {}


def test_a_typo_in_each_custom_kind_is_refused(api: ExtensionServer, custom: list[Object]) -> None:
    one_of_each = {one["kind"]: one for one in custom}
    assert {kind for kind, one in one_of_each.items() if "unknown field" not in api.dry_run(mistyped(one))} == set()


def test_rules_that_no_schema_can_say_are_enforced(api: ExtensionServer, custom: list[Object]) -> None:
    """CEL runs."""
    kafka = copy.deepcopy(next(one for one in custom if one["kind"] == "Kafka"))
    del kafka["spec"]["kafka"]["metricsConfig"]["valueFrom"]
    assert "valueFrom property is required" in api.dry_run(kafka)
    scaled = copy.deepcopy(next(one for one in custom if one["kind"] == "ScaledObject"))
    scaled["spec"]["minReplicaCount"] = scaled["spec"]["maxReplicaCount"] + 1
    assert "minReplicaCount must be less" in api.dry_run(scaled)


def _is_built_in(one: Object) -> bool:
    group = one["apiVersion"].split("/")[0]
    return "." not in group or group.endswith(".k8s.io")


def _distinct(objects: Sequence[Object]) -> list[Object]:
    return list({json.dumps(one, sort_keys=True): one for one in objects}.values())

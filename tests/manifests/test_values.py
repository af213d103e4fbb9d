"""Who sets the three values of an overlay has set everything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from dotenv import dotenv_values

from tests.manifests.overlays import K8S, OVERLAYS, ROOT, Object, build, copied, named, of_kind, overlay, title

VALUES = {
    "STORAGE": "s3://rivers-state",
    "IDENTITY": "arn:aws:iam::123456789012:role/rivers",
    "HOST": "search.rivers.org",
}
PLACEHOLDER = re.compile(r"example|placeholder|change-?me|replace-?me|todo|fixme|your-|0{12}", re.IGNORECASE)
KEY = re.compile(rf"\b({'|'.join(VALUES)})\b")
ASKING = tuple(name for name in OVERLAYS if name != "kind")
OWN_WORDS = ("values", "dashboard-")
"""ConfigMaps that hold the values, which nothing reads in the cluster, and texts for people."""


@pytest.fixture(scope="module", params=ASKING)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Object, ...]:
    """An overlay in which somebody has set the three values and nothing else."""
    manifests = copied(tmp_path_factory.mktemp("filled"))
    folder = manifests / "overlays" / str(request.param)
    lines = "".join(f"{name}={value}\n" for name, value in VALUES.items())
    (folder / "values.env").write_text(lines)
    return build(folder)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def left_to_set(objects: tuple[Object, ...]) -> dict[str, str]:
    return {
        title(one): text
        for one in objects
        if not (one["kind"] == "ConfigMap" and one["metadata"]["name"].startswith(OWN_WORDS))
        and one["kind"] != "PrometheusRule"
        for text in strings(one)
        if PLACEHOLDER.search(text) or KEY.search(text)
    }


@pytest.mark.parametrize("name", ASKING)
def test_an_overlay_asks_for_three_values_and_shows_examples_of_them(name: str) -> None:
    values = dotenv_values(K8S / "overlays" / name / "values.env")
    assert set(values) == set(VALUES)
    assert all("example" in str(value) for value in values.values())
    # The check is checked: as long as they are examples, it says so.
    assert set(left_to_set(overlay(name))) == {
        "FlinkDeployment/vector-ingestion-job",
        "ServiceAccount/flink-job",
        "Ingress/search",
    }


def test_with_the_three_values_set_nothing_is_left_to_set(filled: tuple[Object, ...]) -> None:
    assert left_to_set(filled) == {}


def test_each_value_arrives_where_it_is_needed(filled: tuple[Object, ...]) -> None:
    configuration = named(filled, "FlinkDeployment", "vector-ingestion-job")["spec"]["flinkConfiguration"]
    places = ("execution.checkpointing.dir", "execution.checkpointing.savepoint-dir", "high-availability.storageDir")
    assert [configuration[place] for place in places] == [
        f"{VALUES['STORAGE']}/{folder}" for folder in ("checkpoints", "savepoints", "ha")
    ]
    account = named(filled, "ServiceAccount", "flink-job")
    assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == VALUES["IDENTITY"]
    (ingress,) = of_kind(filled, "Ingress")
    assert ingress["spec"]["rules"][0]["host"] == VALUES["HOST"]
    assert ingress["spec"]["tls"][0]["hosts"] == [VALUES["HOST"]]


@pytest.mark.parametrize("page", ["k8s/README.md", "docs/operations.md"])
def test_the_pages_name_the_three_values(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    assert all(f"`{name}`" in text for name in VALUES)

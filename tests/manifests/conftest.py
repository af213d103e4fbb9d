"""The overlays as they are built, and the servers that judge them. What a machine lacks skips with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harness.tools import missing
from tests.manifests import crds
from tests.manifests.extension_server import BINARY, ExtensionServer
from tests.manifests.overlays import OVERLAYS, Object, extended, overlay


@pytest.fixture(params=OVERLAYS)
def objects(request: pytest.FixtureRequest) -> tuple[Object, ...]:
    """Of each overlay in turn."""
    return overlay(request.param)


@pytest.fixture(scope="session")
def every_object(tmp_path_factory: pytest.TempPathFactory) -> tuple[Object, ...]:
    """Of all overlays, with both routes for the embedding."""
    folder = tmp_path_factory.mktemp("routes")
    others = [extended(name, folder) for name in OVERLAYS]
    return tuple(one for built in (*map(overlay, OVERLAYS), *others) for one in built)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExtensionServer]:
    """A server that knows every kind of ours that is no part of Kubernetes."""
    if not BINARY.exists():
        missing("the API server for custom resources", "run `make tools`, which builds it with Go")
    if (definitions := crds.load()) is None:
        missing("the definitions of custom resources", "run `make tools`, which fetches them")
    server = ExtensionServer(tmp_path_factory.mktemp("api") / "apiserver.log")
    try:
        server.start()
        server.wait_ready(60)
        server.define(definitions)
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def kubeconform() -> Path:
    binary = BINARY.with_name("kubeconform")
    return binary if binary.exists() else missing("kubeconform", "run `make tools`, which builds it with Go")

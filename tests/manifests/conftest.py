"""The overlays as they are built, and the servers that judge them. What a machine lacks skips with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.harness.tools import missing
from tests.manifests import crds
from tests.manifests.extension_server import BINARY, ExtensionServer
from tests.manifests.overlays import OVERLAYS, Object, extended, overlay


def _named(variant: tuple[str, bool]) -> str:
    name, more = variant
    return f"{name}-extended" if more else name


@pytest.fixture(scope="session")
def variants(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which overlays are extended, once for all tests."""
    return tmp_path_factory.mktemp("variants")


@pytest.fixture(params=[(name, more) for name in OVERLAYS for more in (False, True)], ids=_named)
def objects(request: pytest.FixtureRequest, variants: Path) -> tuple[Object, ...]:
    """Of each overlay in turn, as it is and with the other route and change capture."""
    name, more = request.param
    return extended(name, variants) if more else overlay(name)


@pytest.fixture(params=[(name, more) for name in OVERLAYS if name != "kind" for more in (False, True)], ids=_named)
def whole(request: pytest.FixtureRequest, variants: Path) -> tuple[Object, ...]:
    """The same of overlays with scaling, metrics and more than one node."""
    name, more = request.param
    return extended(name, variants) if more else overlay(name)


@pytest.fixture(scope="session")
def every_object(variants: Path) -> tuple[Object, ...]:
    """Of all overlays, with both routes for the embedding."""
    others = [extended(name, variants) for name in OVERLAYS]
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

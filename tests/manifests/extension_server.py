"""The API server for custom resources as a process: ``apiserver/`` in Go, built by `make tools`."""

from __future__ import annotations

import shutil
import ssl
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from freshet.stack.process import StackProcess, free_port, wait_until
from tests.manifests.overlays import ROOT, Object

BINARY = ROOT / ".tools" / "bin" / "apiserver"


class ExtensionServer(StackProcess):
    """On 127.0.0.1, with etcd inside, empty at its start."""

    def __init__(self, log: Path) -> None:
        super().__init__("apiserver", log)
        self._port = free_port()
        # A folder with a short name: etcd's sockets lie in it, whose paths may not be long.
        self._folder = Path(tempfile.mkdtemp(prefix="freshet-api-"))
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}
        self._client: httpx.Client | None = None

    def command(self) -> Sequence[str]:
        return [str(BINARY), "-data", str(self._folder), "-port", str(self._port)]

    def ready(self) -> bool:
        if not (self._folder / "apiserver.crt").exists():
            return False
        try:
            return self._http.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self, seconds: float = 10) -> None:
        if self._client is not None:
            self._client.close()
        super().stop(seconds)
        shutil.rmtree(self._folder, ignore_errors=True)

    def define(self, definitions: Sequence[Mapping[str, Any]]) -> None:
        """Create the kinds, and wait until the server takes objects of them."""
        for one in definitions:
            answer = self._http.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=dict(one))
            assert answer.status_code == 201, answer.text
            names, group = one["spec"]["names"], one["spec"]["group"]
            self._kinds[group, names["kind"]] = names["plural"], one["spec"]["scope"] == "Namespaced"
        wait_until(self._established, "every kind is established", 30, (self,))

    def knows(self, one: Object) -> bool:
        return (one["apiVersion"].split("/")[0], one["kind"]) in self._kinds

    def dry_run(self, one: Object) -> str:
        """What the server says against creating it: unknown fields, the schema, CEL. Empty where nothing."""
        group = one["apiVersion"].split("/")[0]
        plural, namespaced = self._kinds[group, one["kind"]]
        place = f"namespaces/{one['metadata'].get('namespace', 'default')}/" if namespaced else ""
        answer = self._http.post(
            f"/apis/{one['apiVersion']}/{place}{plural}",
            params={"dryRun": "All", "fieldValidation": "Strict"},
            json=one,
        )
        return "" if answer.status_code == 201 else f"{answer.status_code} {answer.json().get('message', answer.text)}"

    def _established(self) -> bool:
        items = self._http.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions").json()["items"]
        done = [
            any(one["type"] == "Established" and one["status"] == "True" for one in item["status"]["conditions"])
            for item in items
            if item.get("status", {}).get("conditions")
        ]
        return len(done) == len(self._kinds) and all(done)

    @property
    def _http(self) -> httpx.Client:
        if self._client is None:
            trusted = ssl.create_default_context(cafile=str(self._folder / "apiserver.crt"))
            self._client = httpx.Client(base_url=f"https://127.0.0.1:{self._port}", verify=trusted, timeout=10)
        return self._client

"""A Qdrant server as one process on 127.0.0.1."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from freshet.errors import UsageError
from freshet.stack.process import StackProcess, free_port

BINARY_VARIABLE = "QDRANT_BIN"
DEFAULT_PORT = 6333


def qdrant_binary() -> Path | None:
    """The server's executable: what QDRANT_BIN names, else ``qdrant`` on the PATH. None where there is neither."""
    named = os.environ.get(BINARY_VARIABLE)
    if named and not (Path(named).is_file() and os.access(named, os.X_OK)):
        raise UsageError(f"{BINARY_VARIABLE} names no program", named, "name the executable of a Qdrant server")
    found = named or shutil.which("qdrant")
    return Path(found) if found else None


class QdrantServer(StackProcess):
    """HTTP and gRPC on free ports. Its data lives in ``folder`` and outlives the process."""

    def __init__(self, binary: Path, folder: Path, log: Path) -> None:
        super().__init__("qdrant", log)
        self._binary = binary
        self._folder = folder
        self.port = free_port(DEFAULT_PORT)
        self.grpc_port = free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> Mapping[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("QDRANT")}
        return {
            **inherited,
            "QDRANT__SERVICE__HOST": "127.0.0.1",
            "QDRANT__SERVICE__HTTP_PORT": str(self.port),
            "QDRANT__SERVICE__GRPC_PORT": str(self.grpc_port),
            "QDRANT__SERVICE__ENABLE_STATIC_CONTENT": "false",
            "QDRANT__STORAGE__STORAGE_PATH": str(self._folder / "storage"),
            "QDRANT__STORAGE__SNAPSHOTS_PATH": str(self._folder / "snapshots"),
            "QDRANT_INIT_FILE_PATH": str(self._folder / "initialized"),
            "QDRANT__TELEMETRY_DISABLED": "true",
            "QDRANT__LOG_LEVEL": "WARN",
        }

    def prepare(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    def command(self) -> Sequence[str]:
        return [str(self._binary), "--disable-telemetry"]

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False

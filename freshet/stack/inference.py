"""The embedding server as one more process of the local stack."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import httpx

from freshet.stack.process import free_port
from freshet.stack.python_process import PythonProcess

DEFAULT_PORT = 7710
ENDPOINT = "FRESHET_JOB_ENDPOINT"


class InferenceServer(PythonProcess):
    """``serve-model``, with the model that the other stages have."""

    def __init__(self, log: Path, settings: Mapping[str, str], port: int | None = None) -> None:
        self.port = port or free_port(DEFAULT_PORT)
        own = {**settings, "FRESHET_INFERENCE_PORT": str(self.port)}
        super().__init__("inference", log, "inference.process", (), own, self._answers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def endpoint(self) -> str:
        """What the job is told."""
        return f"{self.url}/v1/embeddings"

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False

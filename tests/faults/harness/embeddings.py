"""How many chunks the job's model embedded, over the lives of its process."""

from __future__ import annotations

import re
import threading

import httpx

from freshet.metrics import EMBEDDED

EVERY_SECONDS = 0.2
_SAMPLE = re.compile(rf'^{EMBEDDED.name}{{origin="model"}} (\S+)$', re.MULTILINE)


class EmbeddingMeter:
    """A thread that reads the job's counter. What a killed process counted in its last EVERY_SECONDS is missing."""

    def __init__(self, metrics_url: str) -> None:
        self._http = httpx.Client(timeout=2)
        self._url = metrics_url
        self._last = self._read() or 0.0
        self._total = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="embeddings", daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """The number since this meter was made."""
        self._stop.set()
        self._thread.join()
        self._sample()
        self._http.close()
        return round(self._total)

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            self._sample()

    def _sample(self) -> None:
        count = self._read()
        if count is None:
            return
        # A counter that fell is that of a new process, which began at 0.
        self._total += count - self._last if count >= self._last else count
        self._last = count

    def _read(self) -> float | None:
        try:
            text = self._http.get(self._url).raise_for_status().text
        except httpx.HTTPError:
            return None
        found = _SAMPLE.search(text)
        return float(found[1]) if found else 0.0

"""Whether the model still says what it said: fixed texts, embedded again and again, against stored references."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from freshet import metrics
from freshet.embedding.settings import PACKAGED_MODEL
from freshet.errors import FreshetError, UsageError
from inference.instances import checked
from inference.model import Model

PROBES = (
    "A cat.",
    "How long may I return an item?",
    "The ferry to the island leaves at noon.",
    "Quarterly profit fell by a third, and the board resigned.",
    "ConnectionResetError: [Errno 104] Connection reset by peer",
    "SELECT name, max(version) FROM documents GROUP BY name HAVING count(*) > 1;",
    "Der Vertrag endet mit dem Ablauf des Monats, in dem er gekündigt wird.",
    "東京の天気は晴れです。",
    "2026-11-21T10:15:00Z ERROR worker-7 checkpoint 4711 expired before completing",
    "Warm the oven, beat the eggs with the sugar until they are pale, fold in the flour and bake for half an hour. "
    "The cake is done when a thin stick comes out clean; let it cool in its tin before you cut it.",
)
"""Never changed: the references are of these."""
PACKAGED = Path(__file__).parent / "references"
_COSINE = metrics.INFERENCE_COSINE.gauge()
_DRIFTED = metrics.INFERENCE_DRIFTED.gauge()
_log = logging.getLogger(__name__)


class QualityWatch:
    """``look`` once before the start, then ``start`` for a thread that looks every ``seconds``."""

    def __init__(self, model: Model, references: Path, threshold: float, seconds: float) -> None:
        """``references`` is a folder. Raises UsageError for a file in it that cannot be used."""
        self._model = model
        self._threshold = threshold
        self._seconds = seconds
        self._reference = _reference(model, references)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="quality-watch", daemon=True)
        self.drift = ""
        """What was wrong at the last look; empty while the model is as it was."""

    def look(self) -> float:
        """Embed the probes; the lowest cosine to the references. Blocks for the computation; never raises."""
        try:
            vectors = checked(self._model, self._model.encode(PROBES))
            cosine = float((vectors * self._reference).sum(axis=1).min())
            said = f"a probe's cosine to its reference is {cosine:.4f}, below {self._threshold:g}"
        except Exception as error:
            cosine, said = -1.0, f"the probes cannot be embedded: {error}"
        drift = "" if cosine >= self._threshold else said
        if drift != self.drift:
            _log.log(logging.ERROR if drift else logging.INFO, "quality watch: %s", drift or "as it should be again")
        self.drift = drift
        _COSINE.set(cosine)
        _DRIFTED.set(1 if drift else 0)
        return cosine

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Blocks at most for one look."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            self.look()


def _reference(model: Model, folder: Path) -> NDArray[np.float32]:
    """The packaged model's are in the package, made in full precision. Another model's are made at its first start."""
    packaged = PACKAGED / "all-MiniLM-L6-v2.npy"
    path = packaged if model.model == PACKAGED_MODEL else folder / f"{model.revision}.npy"
    if not path.is_file():
        return _store(model, path)
    try:
        found: NDArray[np.float32] = np.load(path, allow_pickle=False).astype(np.float32)
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot read the references {path}", str(error), "Remove the file") from error
    if found.shape != (len(PROBES), model.dimension):
        raise UsageError(f"{path} holds no references of this model", f"its shape is {found.shape}", "Remove the file")
    return found


def _store(model: Model, path: Path) -> NDArray[np.float32]:
    try:
        vectors = checked(model, model.encode(PROBES))
    except FreshetError as error:
        raise UsageError("The model cannot embed the probes", str(error), "Check the model's files") from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, vectors)
        _log.info("the probes' references were made now: %s", path)
    except OSError as error:
        _log.warning("the probes' references are not kept, drift is seen from this start on only: %s", error)
    return vectors

"""Graphs that were built once, on disk: written atomically, checked on every load, rebuilt when damaged."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from freshet.embedding.packaged import file_sha256

_log = logging.getLogger(__name__)
_LOCK_SECONDS = 300.0


class BuiltModels:
    """A folder of ``<key>.onnx`` files, each beside its ``<key>.sha256``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: str, build: Callable[[], bytes]) -> Path | bytes:
        """The file stored under ``key``, just checked; if there is none, ``build()`` makes it.

        Blocks for the build, or while another process builds the same. A folder that cannot be written (read-only,
        disk full) costs a build at each start and one warning, no error: then the bytes themselves are returned.
        """
        found = self._read(key)
        if found is not None:
            return found
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self._folder / f"{key}.lock", timeout=_LOCK_SECONDS):
                found = self._read(key)
                if found is not None:
                    return found
                self._write(key, build())
                return self._folder / f"{key}.onnx"
        except (OSError, Timeout) as error:
            _log.warning("the built model is not kept: %s; set FRESHET_MODEL_CACHE to a writable folder", error)
            return build()

    def _read(self, key: str) -> Path | None:
        path = self._folder / f"{key}.onnx"
        try:
            expected = (self._folder / f"{key}.sha256").read_text(encoding="ascii").strip()
            found = file_sha256(path)
        except (OSError, UnicodeDecodeError):
            return None
        if found != expected:
            _log.warning("%s is damaged and is built again", path)
            return None
        return path

    def _write(self, key: str, data: bytes) -> None:
        # The digest comes last: until it is there, and right, the model is not believed.
        self._replace(f"{key}.onnx", data)
        self._replace(f"{key}.sha256", hashlib.sha256(data).hexdigest().encode())

    def _replace(self, name: str, data: bytes) -> None:
        temporary = self._folder / f".{name}.partial"  # one writer at a time: the lock is held
        try:
            temporary.write_bytes(data)
            os.replace(temporary, self._folder / name)
        finally:
            temporary.unlink(missing_ok=True)

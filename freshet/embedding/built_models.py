"""Graphs that were built once, on disk: written atomically, checked on every load, rebuilt when damaged."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

_log = logging.getLogger(__name__)
_LOCK_SECONDS = 300.0


class BuiltModels:
    """A folder of ``<key>.onnx`` files, each beside its ``<key>.sha256``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: str, build: Callable[[], bytes]) -> bytes:
        """The bytes stored under ``key``, or those of ``build()``, stored for the next time.

        Blocks for the build, or while another process builds the same. A folder that cannot be written (read-only,
        disk full) costs a build at each start and one warning, no error.
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
                built = build()
                self._write(key, built)
                return built
        except (OSError, Timeout) as error:
            _log.warning("the built model is not kept: %s; set FRESHET_MODEL_CACHE to a writable folder", error)
            return build()

    def _read(self, key: str) -> bytes | None:
        try:
            expected = (self._folder / f"{key}.sha256").read_text().strip()
            data = (self._folder / f"{key}.onnx").read_bytes()
        except (OSError, UnicodeDecodeError):
            return None
        if hashlib.sha256(data).hexdigest() != expected:
            _log.warning("%s is damaged and is built again", self._folder / f"{key}.onnx")
            return None
        return data

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

"""The authority behind a server's TLS, where it is not one that the system knows."""

from __future__ import annotations

import ssl
from pathlib import Path

from freshet.errors import UsageError


def certificates(path: Path) -> bytes:
    """PEM, as gRPC wants it. Raises UsageError where the file cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError("the store's authority cannot be read", str(error), "check FRESHET_STORE_CA") from error


def context(path: Path) -> ssl.SSLContext:
    """For HTTP. Raises UsageError where the file cannot be read or holds no certificate."""
    try:
        return ssl.create_default_context(cadata=certificates(path).decode("ascii", "replace"))
    except ssl.SSLError as error:
        raise UsageError(f"{path} holds no certificate", str(error), "check FRESHET_STORE_CA") from error

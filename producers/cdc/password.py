"""Where a capture's password comes from."""

from __future__ import annotations

import os

from pydantic import SecretStr

from producers.cdc.capture import Capture


def with_password(capture: Capture, known: Capture | None = None) -> Capture:
    """Its own; else that of PGPASSWORD; else the one that is ``known`` of the same role at the same server."""
    if capture.password.get_secret_value():
        return capture
    if given := os.environ.get("PGPASSWORD"):
        return capture.model_copy(update={"password": SecretStr(given)})
    if known is not None and _place(known) == _place(capture):
        return capture.model_copy(update={"password": known.password})
    return capture


def _place(capture: Capture) -> tuple[str, int, str]:
    return capture.host, capture.port, capture.role

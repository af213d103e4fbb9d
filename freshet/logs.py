"""The log of a process of the pipeline."""

from __future__ import annotations

import logging


def start_logging() -> None:
    """From INFO on, to standard error; of our own HTTP requests, some several a second, only what goes wrong."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)

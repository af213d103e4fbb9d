"""One watched stack for all tests here, which end it piece by piece: the last file's."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from freshet.stack.prometheus import prometheus_binary
from tests.faults.harness.tools import missing
from tests.integration.observed.watched import Watched, watched_stack


@pytest.fixture(scope="package")
def watched() -> Iterator[Watched]:
    if prometheus_binary() is None:
        missing("prometheus", "unpack Debian's with `make tools`")
    # Not below pytest's folder, which only root may enter: as root, PostgreSQL runs as somebody else.
    folder = Path(tempfile.mkdtemp(prefix="freshet-watched-"))
    folder.chmod(0o755)
    try:
        with watched_stack(folder) as opened:
            yield opened
    finally:
        shutil.rmtree(folder, ignore_errors=True)

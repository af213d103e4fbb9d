"""One watched stack for all tests here, which end it piece by piece: the last file's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from freshet.stack.prometheus import prometheus_binary
from tests.faults.harness.open_folder import open_folder
from tests.faults.harness.tools import missing
from tests.integration.observed.watched import Watched, watched_stack


@pytest.fixture(scope="package")
def watched() -> Iterator[Watched]:
    if prometheus_binary() is None:
        missing("prometheus", "unpack Debian's with `make tools`")
    with open_folder("watched") as folder, watched_stack(folder) as opened:
        yield opened

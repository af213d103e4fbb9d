"""The disk that holds the store fills up: writes wait, searches go on, and with space again all is written."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from freshet.stack.lag import lags
from freshet.stack.process import wait_until
from freshet.store.settings import StoreSettings
from freshet.topics import CONSUMER_GROUP
from tests.faults.harness.api import Api
from tests.faults.harness.redeploy import serve_with
from tests.faults.harness.trial import PILE, RECOVERY_SECONDS, Trial

DISK_BYTES = 512 << 20
BLOCK = 1 << 20

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"this user may not mount a file system: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_store_disk_full(trial: Trial, disk: Path) -> None:
    filler = disk / "filler"
    api = Api(trial.stack.search_url)

    def waiting() -> int:
        return lags(trial.lab.kafka)[CONSUMER_GROUP]

    def fill() -> None:
        room = shutil.disk_usage(disk).free - StoreSettings().disk_reserve // 2
        with filler.open("wb") as file:
            for _ in range(room // BLOCK):
                file.write(bytes(BLOCK))
        wanted = waiting() + PILE
        wait_until(lambda: waiting() >= wanted, "more and more records wait for space", RECOVERY_SECONDS)

    with serve_with(trial.lab, FRESHET_STORE_PATH=str(disk / "store")):
        with trial.under_load():
            trial.pile_up(trial.stack.serve)
            trial.breaks(fill)
            assert api.search("anything", 5), "searches are answered from what is there"
            filler.unlink()
        trial.verify()
    api.close()

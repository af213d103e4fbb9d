"""A database that does not answer in time: the end of a first start, and a warning of any later one."""

from __future__ import annotations

from pathlib import Path

import pytest

from freshet.stack import capture
from freshet.stack.capture import ChangeCapture
from freshet.stack.process import ProcessFailed

SECRET = "Geheim7"
URL = f"postgresql://app:{SECRET}@127.0.0.1:1/shop"


@pytest.fixture
def change_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ChangeCapture:
    """Without its processes, and with less time than a process needs to begin."""
    monkeypatch.setattr(capture, "REGISTER_SECONDS", 0.01)
    found = object.__new__(ChangeCapture)
    found._folder, found._settings, found.warnings = tmp_path / "cdc", {}, []
    return found


def test_a_first_start_ends(change_capture: ChangeCapture) -> None:
    with pytest.raises(ProcessFailed, match="does not answer within") as failed:
        change_capture._run("producers.cdc.existing", URL)
    assert SECRET not in str(failed.value)


def test_a_later_start_goes_on_with_a_warning(change_capture: ChangeCapture) -> None:
    definition = change_capture._folder / "captures" / "database.yaml"
    definition.parent.mkdir(parents=True)
    definition.touch()
    change_capture._run("producers.cdc.existing", URL)
    assert "freshet cdc status" in change_capture.warnings[0]
    assert SECRET not in change_capture.warnings[0]

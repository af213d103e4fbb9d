from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from freshet.errors import UsageError
from producers.files.stamp import Stamp
from producers.files.state import MAX_VERSION, FileStates

paths = st.sampled_from(["a", "b/c", "b/d", "b0", "\udcff\n"])
times = st.integers(min_value=-(2**40), max_value=2**63 - 1)


@pytest.fixture
def states(tmp_path: Path) -> Iterator[FileStates]:
    states = FileStates(tmp_path)
    yield states
    states.close()


class Versions(RuleBasedStateMachine):
    """Versions only go up, over files, deletions, older mtimes and restarts; what is not acknowledged stays known."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.states = FileStates(Path(self.folder.name))
        self.last: dict[str, int] = {}
        self.acknowledged: dict[str, int] = {}

    @rule(path=paths, mtime_ns=times)
    def publish(self, path: str, mtime_ns: int) -> None:
        version = self.states.assign(path, Stamp(1, mtime_ns, 1), "published", content=b"x")
        assert version >= min(mtime_ns, MAX_VERSION - 2**32)
        self._check(path, version)

    @rule(path=paths)
    def delete(self, path: str) -> None:
        self._check(path, self.states.assign(path, None, "deleted"))

    @rule(path=paths)
    def acknowledge(self, path: str) -> None:
        if path in self.last:
            self.states.acknowledge(path, self.last[path])
            self.acknowledged[path] = self.last[path]

    @rule()
    def crash(self) -> None:
        self.states.close()
        self.states = FileStates(Path(self.folder.name))

    @invariant()
    def settled_is_what_was_acknowledged(self) -> None:
        for path, version in self.last.items():
            state = self.states.get(path)
            assert state is not None
            assert state.settled == (self.acknowledged.get(path) == version)

    def _check(self, path: str, version: int) -> None:
        assert 0 <= version <= MAX_VERSION
        assert version > self.last.get(path, -1)
        self.last[path] = version

    def teardown(self) -> None:
        self.states.close()
        self.folder.cleanup()


TestVersions = Versions.TestCase
TestVersions.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)


def test_present_lists_a_folder_and_nothing_beside_it(states: FileStates) -> None:
    for path in ("b", "b/c", "b/d/e", "b0", "bc", "a"):
        states.assign(path, Stamp(1, 1, 1), "published")
    gone = states.assign("b/gone", None, "deleted")
    assert list(states.present("b")) == ["b/c", "b/d/e", "b/gone"]
    states.acknowledge("b/gone", gone)
    assert list(states.present("b")) == ["b/c", "b/d/e"]
    assert len(list(states.present())) == 6


def test_an_older_report_does_not_settle_a_newer_version(states: FileStates) -> None:
    first = states.assign("a", Stamp(1, 1, 1), "published")
    second = states.assign("a", Stamp(2, 2, 1), "published")
    states.acknowledge("a", second)
    states.acknowledge("a", first)
    state = states.get("a")
    assert state is not None
    assert state.settled


def test_a_second_process_is_turned_away(states: FileStates, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="another file producer"):
        FileStates(tmp_path)


def test_a_state_that_cannot_be_kept_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "files.sqlite").write_bytes(b"no database at all, but long enough to be read as one" * 100)
    with pytest.raises(UsageError, match="FRESHET_FILES_STATE"):
        FileStates(tmp_path)
    (tmp_path / "plain-file").touch()
    with pytest.raises(UsageError, match="FRESHET_FILES_STATE"):
        FileStates(tmp_path / "plain-file" / "state")

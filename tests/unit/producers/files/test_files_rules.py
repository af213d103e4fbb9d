from __future__ import annotations

from pathlib import Path

import pytest

from producers.files.ignore import IgnoreRules
from producers.files.quiet import LARGE_BYTES, Quiet
from producers.files.stamp import Stamp
from producers.files.work import Job, WorkQueue


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        "a/.venv/x.py",
        "node_modules/x/y.md",
        "a/__pycache__/b.py",
        ".x.md.swp",
        "x.md~",
        ".#x.md",
        "4913",
    ],
)
def test_what_no_one_means_to_index_is_left_out(tmp_path: Path, path: str) -> None:
    assert IgnoreRules(tmp_path).ignores(path)


def test_ignore_files_count_from_their_folder_down(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("*.log\n/build/\nsecret.txt\n")
    (tmp_path / "a" / ".gitignore").write_text("!keep.log\n/only-here.md\n")
    (tmp_path / ".freshetignore").write_text("drafts/\n!.github/\n")
    rules = IgnoreRules(tmp_path, ["*.bak"])
    ignored = ["x.log", "a/b/x.log", "build/x.md", "a/only-here.md", "a/drafts/x.md", "x.bak", "a/b/secret.txt"]
    kept = ["a/keep.log", "a/build/x.md", "a/b/only-here.md", ".github/x.yml", "x.md"]
    assert [path for path in ignored if not rules.ignores(path)] == []
    assert [path for path in kept if rules.ignores(path)] == []


def test_changed_rules_count_after_forget(tmp_path: Path) -> None:
    rules = IgnoreRules(tmp_path)
    assert not rules.ignores("a.md")
    (tmp_path / ".gitignore").write_text("a.md\n")
    rules.forget()
    assert rules.ignores("a.md")


def waits(quiet: Quiet, size: int, age_s: float, waited_s: float = 0.0) -> float:
    return round(quiet.wait_s("a", Stamp(size, 10**12, 1), int((1000 + age_s) * 1e9), waited_s), 3)


def test_a_usual_file_waits_for_milliseconds() -> None:
    quiet = Quiet()
    assert waits(quiet, 10, 0) == 0.008
    assert waits(quiet, 10, 0.01) == 0


def test_empty_and_large_files_wait_longer_but_none_for_ever() -> None:
    quiet = Quiet()
    assert waits(quiet, 0, 0) == 0.2
    assert waits(quiet, LARGE_BYTES + 1, 0) == 0.25
    assert waits(quiet, 0, 0, waited_s=2.0) == 0
    assert waits(quiet, 10, -500) == 0, "an mtime in the future says nothing"


def test_a_file_that_changes_all_the_time_waits_twice_as_long_each_time() -> None:
    now = [0.0]
    quiet = Quiet(lambda: now[0])
    seen = []
    for _ in range(8):
        seen.append(waits(quiet, 10, 0))
        quiet.published("a")
        now[0] += 0.5
    assert seen == [0.008, 0.016, 0.032, 0.064, 0.128, 0.25, 0.25, 0.25]
    now[0] += 1
    assert waits(quiet, 10, 0) == 0.008


def test_live_changes_go_before_the_backlog() -> None:
    work = WorkQueue()
    for path in ("old1", "old2", "old3"):
        work.put(path, live=False)
    work.put("new", live=True)
    work.put("old3", live=True)
    assert work.live_is_due()
    taken = [work.take(live=True), work.take(live=True), work.take(live=False), work.take(live=False)]
    assert [job.path for job in taken if job] == ["new", "old3", "old1", "old2"]


def test_a_path_is_never_with_two_workers() -> None:
    work = WorkQueue()
    work.put("a", live=True)
    first = work.take(live=True)
    assert first is not None
    work.put("a", live=True)
    assert not work.live_is_due()
    work.done(first)
    assert work.live_is_due()
    assert work.size() == 1


def test_a_file_that_has_to_lie_still_does_not_hold_up_the_backlog() -> None:
    work = WorkQueue()
    work.put_job(Job("hot", 0, 0.0, due=float("inf")), live=True)
    work.put("old", live=False)
    job = work.take(live=False)
    assert job is not None
    assert job.path == "old"


def test_a_closed_queue_lets_its_workers_go() -> None:
    work = WorkQueue()
    work.close()
    assert work.take(live=True) is None
    assert work.take(live=False) is None

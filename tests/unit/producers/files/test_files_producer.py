"""The producer on real files and the kernel's real news; what it says is captured instead of sent."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from freshet.errors import UnavailableError, UsageError
from producers.files.producer import FileProducer
from producers.files.settings import FilesSettings
from tests.unit.producers.files.capture import CaptureSink, Said
from tests.unit.producers.files.conftest import Start, until


def letters(sink: CaptureSink) -> list[tuple[str, str]]:
    return [(said.id, said.text) for said in sink.said if said.kind == "letter"]


# what is there, and what happened while nothing ran


def test_the_first_scan_publishes_what_is_there(start: Start, root: Path, sink: CaptureSink) -> None:
    (root / "sub").mkdir()
    (root / "sub" / "a.md").write_text("# Title\nwords")
    (root / "b.txt").write_text("")
    (root / "c.png").write_bytes(b"\x89PNG\0")
    (root / ".hidden.md").write_text("no")
    producer = start()
    assert sink.texts() == {"file:sub/a.md": "# Title\nwords", "file:b.txt": ""}
    said = sink.newest()["file:sub/a.md"]
    stat = (root / "sub" / "a.md").stat()
    assert said.metadata.items() >= {"path": "sub/a.md", "name": "a.md", "type": "md", "title": "Title"}.items()
    assert (said.version, said.metadata["size"]) == (stat.st_mtime_ns, stat.st_size)
    assert producer.state() | {"root": ""} == {
        "scanned": 2, "to_publish": 2, "published": 2, "refused": 0, "watching": True, "scans": 1, "root": "",
    }  # fmt: skip


def test_a_restart_says_only_what_changed_meanwhile(start: Start, root: Path, sink: CaptureSink) -> None:
    for name in ("same", "changed", "gone", "touched", "moved"):
        (root / f"{name}.md").write_text(name)
    start().stop()
    before = len(sink.said)
    (root / "changed.md").write_text("changed again")
    (root / "gone.md").unlink()
    os.utime(root / "touched.md")
    (root / "moved.md").rename(root / "elsewhere.md")
    (root / "new.md").write_text("new")
    start()
    assert sorted((said.kind, said.id) for said in sink.said[before:]) == [
        ("delete", "file:gone.md"),
        ("delete", "file:moved.md"),
        ("upsert", "file:changed.md"),
        ("upsert", "file:elsewhere.md"),
        ("upsert", "file:new.md"),
    ]


def test_what_was_not_acknowledged_is_sent_again_with_a_higher_version(
    start: Start, root: Path, sink: CaptureSink
) -> None:
    (root / "a.md").write_text("a")
    sink.hold = True
    producer = start(settle=False)
    first = sink.wait_for("upsert", "file:a.md")
    producer.stop(0.2)
    sink.hold = False
    start()
    assert sink.newest()["file:a.md"].version > first.version


def test_a_file_that_comes_back_older_still_wins(start: Start, root: Path, sink: CaptureSink) -> None:
    (root / "a.md").write_text("a")
    start()
    (root / "a.md").unlink()
    deleted = sink.wait_for("delete", "file:a.md")
    (root / "aside").write_text("restored")
    os.utime(root / "aside", (1, 1))
    (root / "aside").rename(root / "a.md")
    restored = sink.wait_for("upsert", "file:a.md", "restored")
    assert restored.version > deleted.version


# live changes


def test_create_modify_move_delete(start: Start, root: Path, sink: CaptureSink) -> None:
    start()
    (root / "a.md").write_text("one")
    sink.wait_for("upsert", "file:a.md", "one")
    (root / "a.md").write_text("two")
    sink.wait_for("upsert", "file:a.md", "two")
    (root / "a.md").rename(root / "b.md")
    sink.wait(lambda _: sink.texts() == {"file:b.md": "two"}, "move")
    (root / "b.md").unlink()
    sink.wait(lambda _: sink.texts() == {}, "delete")


def test_a_save_is_said_within_tens_of_milliseconds(start: Start, root: Path, sink: CaptureSink) -> None:
    start()
    taken = []
    for number in range(10):
        (root / f"{number}.md").write_text("words")
        began = time.perf_counter()
        sink.wait_for("upsert", f"file:{number}.md")
        taken.append(time.perf_counter() - began)
    assert sorted(taken)[5] < 0.06, taken


def test_editors_save_patterns_give_one_document(start: Start, root: Path, sink: CaptureSink) -> None:
    (root / "a.md").write_text("first")
    start()
    # vim: probe, backup, new file, swap
    (root / ".a.md.swp").write_bytes(b"b0VIM\0")
    (root / "4913").touch()
    (root / "4913").unlink()
    (root / "a.md").rename(root / "a.md~")
    (root / "a.md").write_text("second")
    (root / "a.md~").unlink()
    (root / ".a.md.swp").unlink()
    sink.wait_for("upsert", "file:a.md", "second")
    # write aside, rename over
    (root / ".a.md.x1").write_text("third")
    (root / ".a.md.x1").replace(root / "a.md")
    sink.wait_for("upsert", "file:a.md", "third")
    assert set(sink.texts()) == {"file:a.md"}
    assert not [said for said in sink.said if said.kind == "letter"]


def test_a_truncated_file_is_awaited(start: Start, root: Path, sink: CaptureSink) -> None:
    (root / "a.md").write_text("first")
    start()
    with open(root / "a.md", "w") as file:
        threading.Event().wait(0.05)
        file.write("second")
    sink.wait_for("upsert", "file:a.md", "second")
    assert [said.text for said in sink.said] == ["first", "second"]


def test_a_file_written_with_pauses_ends_whole(start: Start, root: Path, sink: CaptureSink) -> None:
    start()
    with open(root / "a.txt", "w") as file:
        for number in range(20):
            file.write(f"line {number}\n")
            file.flush()
            threading.Event().wait(0.01)
    whole = "".join(f"line {number}\n" for number in range(20))
    sink.wait(lambda _: sink.texts().get("file:a.txt") == whole, "the whole file")
    assert all(whole.startswith(said.text) for said in sink.said)


def test_content_that_did_not_change_is_not_said_again(start: Start, root: Path, sink: CaptureSink) -> None:
    (root / "a.md").write_text("a")
    start()
    os.utime(root / "a.md")
    (root / "a.md").chmod(0o640)
    (root / "a.md").write_text("a")
    (root / "b.md").write_text("b")
    sink.wait_for("upsert", "file:b.md")
    assert [said.id for said in sink.said] == ["file:a.md", "file:b.md"]


def test_folders_that_come_move_and_go(start: Start, root: Path, sink: CaptureSink, tmp_path: Path) -> None:
    start()
    (tmp_path / "outside" / "deep").mkdir(parents=True)
    (tmp_path / "outside" / "deep" / "a.md").write_text("a")
    (tmp_path / "outside").rename(root / "in")
    sink.wait_for("upsert", "file:in/deep/a.md")
    (root / "in").rename(root / "other")
    sink.wait(lambda _: sink.texts() == {"file:other/deep/a.md": "a"}, "moved folder")
    (root / "other" / "deep" / "b.md").write_text("b")
    sink.wait_for("upsert", "file:other/deep/b.md")
    shutil.rmtree(root / "other")
    sink.wait(lambda _: sink.texts() == {}, "removed folder")


def test_files_made_together_with_their_folders_are_found(start: Start, root: Path, sink: CaptureSink) -> None:
    start()
    for number in range(30):
        folder = root / f"{number}" / "x" / "y"
        folder.mkdir(parents=True)
        (folder / "a.md").write_text(f"{number}")
    sink.wait(lambda _: len(sink.texts()) == 30, "30 files")


def test_live_changes_overtake_a_backlog(start: Start, root: Path, sink: CaptureSink) -> None:
    for number in range(300):
        (root / f"{number}.md").write_text(f"{number}")
    sink.hold = True  # the broker is slow: the backlog stops at its bound
    start(settle=False, max_in_flight=10)
    sink.wait(lambda said: len(said) >= 10, "a start of the backlog")
    (root / "live.md").write_text("now")
    sink.wait_for("upsert", "file:live.md")
    assert len(sink.said) < 20
    sink.release()
    sink.wait(lambda _: len(sink.texts()) == 301, "the backlog")


# files that are no documents


def test_a_refused_file_is_reported_once_and_its_old_content_deleted(
    start: Start, root: Path, sink: CaptureSink
) -> None:
    (root / "a.md").write_text("words")
    (root / "b.md").write_text("neighbour")
    start()
    (root / "a.md").write_bytes(b"\0\1\2")
    sink.wait(lambda _: sink.texts() == {"file:b.md": "neighbour"}, "delete")
    (root / "b.md").write_text("neighbour goes on")
    sink.wait_for("upsert", "file:b.md", "neighbour goes on")
    os.utime(root / "a.md")
    (root / "c.md").write_text("c")
    sink.wait_for("upsert", "file:c.md")
    assert letters(sink) == [("file:a.md", "binary")]
    (root / "a.md").write_text("words again")
    sink.wait_for("upsert", "file:a.md", "words again")


def test_a_refusal_survives_a_restart(start: Start, root: Path, sink: CaptureSink) -> None:
    (root / "a.pdf").write_bytes(b"%PDF-nonsense")
    (root / "big.txt").write_text("x" * 100)
    start(max_bytes=50).stop()
    start(max_bytes=50)
    assert sorted(letters(sink)) == [("file:a.pdf", "broken"), ("file:big.txt", "too-large")]
    assert sink.newest() == {}, "what was never indexed needs no delete"


def test_a_file_that_may_not_be_read_keeps_its_document(
    start: Start, root: Path, sink: CaptureSink, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (root / "a.md").write_text("a")
    (tmp_path / "aside").write_text("never seen")
    start()
    really_open = os.open

    def refuse(path: str, flags: int, *rest: Any, **named: Any) -> int:
        if os.fspath(path).endswith(("a.md", "b.md")):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return really_open(path, flags, *rest, **named)

    # the tests may run as root, who may read everything
    monkeypatch.setattr(os, "open", refuse)
    os.utime(root / "a.md")
    (tmp_path / "aside").rename(root / "b.md")
    sink.wait(lambda _: set(letters(sink)) == {("file:a.md", "unreadable"), ("file:b.md", "unreadable")}, "letters")
    assert sink.texts() == {"file:a.md": "a"}
    monkeypatch.undo()
    (root / "a.md").chmod(0o600)
    (root / "b.md").write_text("b")
    sink.wait_for("upsert", "file:b.md", "b")
    (root / "b.md").unlink()
    sink.wait(lambda _: sink.texts() == {"file:a.md": "a"}, "delete")


def test_links_pipes_and_sockets_are_left_alone(start: Start, root: Path, sink: CaptureSink, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("outside")
    (root / "link.md").symlink_to(tmp_path / "secret.md")
    (root / "loop").symlink_to(root)
    (root / "up").symlink_to(tmp_path)
    os.mkfifo(root / "pipe.md")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "s.md"))
        (root / "a.md").write_text("a")
        start()
        os.mkfifo(root / "later.md")
        (root / "later").symlink_to(root)
        (root / "b.md").write_text("b")
        sink.wait_for("upsert", "file:b.md")
        (tmp_path / "secret.md").write_text("outside, changed")
        (root / "c.md").write_text("c")
        sink.wait_for("upsert", "file:c.md")
    assert sink.texts() == {"file:a.md": "a", "file:b.md": "b", "file:c.md": "c"}
    assert letters(sink) == []


def test_a_folder_that_becomes_a_link_out_of_the_root_is_gone(
    start: Start, root: Path, sink: CaptureSink, tmp_path: Path
) -> None:
    for folder in (root / "d", tmp_path / "outside"):
        folder.mkdir()
        (folder / "a.md").write_text(f"in {folder.name}")
    start()
    (root / "d").rename(tmp_path / "d")
    (root / "d").symlink_to(tmp_path / "outside")
    sink.wait(lambda _: sink.texts() == {}, "delete")
    (tmp_path / "outside" / "a.md").write_text("changed outside")
    (root / "b.md").write_text("b")
    sink.wait_for("upsert", "file:b.md")
    assert sink.texts() == {"file:b.md": "b"}


def test_without_the_kernels_news_the_tree_is_compared_every_second(
    start: Start, root: Path, sink: CaptureSink
) -> None:
    start(polling=True)
    (root / "a.md").write_text("a")
    sink.wait_for("upsert", "file:a.md", "a")


def test_a_file_that_becomes_a_link_is_gone(start: Start, root: Path, sink: CaptureSink) -> None:
    (root / "a.md").write_text("a")
    start()
    (root / ".link").symlink_to("/etc/hostname")
    (root / ".link").replace(root / "a.md")
    sink.wait(lambda _: sink.texts() == {}, "delete")


def test_strange_names_are_published(start: Start, root: Path, sink: CaptureSink) -> None:
    (root / "line\nbreak.md").write_text("1")
    with open(os.fsencode(root) + b"/\xff\xfe.md", "w") as file:
        file.write("2")
    start()
    assert sink.texts() == {"file:line%0Abreak.md": "1", "file:%FF%FE.md": "2"}
    with open(os.fsencode(root) + b"/\xff\xff.md", "w") as file:
        file.write("3")
    sink.wait_for("upsert", "file:%FF%FF.md", "3")
    (root / "a.md").write_text("after")
    sink.wait_for("upsert", "file:a.md", "after")


def test_a_changed_ignore_file_takes_effect(start: Start, root: Path, sink: CaptureSink) -> None:
    (root / "a.md").write_text("a")
    (root / "b.md").write_text("b")
    start()
    (root / ".gitignore").write_text("b.md\n")
    sink.wait(lambda _: set(sink.texts()) == {"file:a.md"}, "delete")
    (root / ".gitignore").unlink()
    sink.wait(lambda _: set(sink.texts()) == {"file:a.md", "file:b.md"}, "return")


def test_a_large_file_that_changes_while_it_is_read_never_ends_old(start: Start, root: Path, sink: CaptureSink) -> None:
    start()
    line = "all work and no play makes a long file\n"
    with open(root / "a.txt", "w") as file:
        for _ in range(6):
            file.write(line * 40_000)
            file.flush()
            threading.Event().wait(0.05)
    size = (root / "a.txt").stat().st_size
    sink.wait(lambda _: sink.newest().get("file:a.txt", Said("upsert", "")).metadata.get("size") == size, "the whole")
    assert sink.texts()["file:a.txt"].count("\n") == 240_000
    newest = sink.newest()["file:a.txt"].version
    assert all(version < newest for _, version in sink.incomplete)


# the root


def test_a_missing_root_deletes_nothing(root: Path, sink: CaptureSink, tmp_path: Path) -> None:
    root.rmdir()
    with pytest.raises(UnavailableError, match="cannot be read"):
        FileProducer(FilesSettings(root=root, state=tmp_path / "state"), sink)


def test_a_root_that_goes_stops_the_producer_and_deletes_nothing(start: Start, root: Path, sink: CaptureSink) -> None:
    (root / "a.md").write_text("a")
    producer = start()
    root.rename(root.with_name("unmounted"))
    until(lambda: producer.failure() is not None, "the failure")
    assert isinstance(producer.failure(), UnavailableError)
    assert sink.texts() == {"file:a.md": "a"}


def test_an_empty_folder_in_the_roots_place_deletes_nothing(start: Start, root: Path, sink: CaptureSink) -> None:
    (root / "a.md").write_text("a")
    start().stop()
    root.rename(root.with_name("unmounted"))
    root.mkdir()
    with pytest.raises(UnavailableError, match="mount"):
        start()
    assert sink.texts() == {"file:a.md": "a"}


def test_the_state_of_another_root_is_not_taken(start: Start, root: Path, tmp_path: Path) -> None:
    (root / "a.md").write_text("a")
    start().stop()
    (tmp_path / "other").mkdir()
    with pytest.raises(UsageError, match="FRESHET_FILES_STATE"):
        start(root=tmp_path / "other")


def test_files_deleted_while_nothing_ran_are_deleted_though_the_root_is_empty(
    start: Start, root: Path, sink: CaptureSink
) -> None:
    (root / "a.md").write_text("a")
    start().stop()
    (root / "a.md").unlink()
    start()
    assert sink.texts() == {}


def test_the_state_may_lie_in_the_root(start: Start, root: Path, sink: CaptureSink) -> None:
    start(state=root / "state")
    (root / "a.md").write_text("a")
    sink.wait_for("upsert", "file:a.md")
    assert set(sink.texts()) == {"file:a.md"}


# the broker


def test_a_broker_that_goes_and_comes_back_loses_nothing(start: Start, root: Path, sink: CaptureSink) -> None:
    start()
    sink.down = True
    (root / "a.md").write_text("a")
    until(lambda: sink.reached > 0, "the producer waits for the broker")
    sink.down = False
    sink.wait_for("upsert", "file:a.md", "a")


def test_a_report_that_never_came_is_made_good(start: Start, root: Path, sink: CaptureSink) -> None:
    producer = start()
    sink.hold = True
    (root / "a.md").write_text("a")
    first = sink.wait_for("upsert", "file:a.md")
    sink.hold = False
    sink.drop()
    sink.wait(lambda said: any(one.version > first.version for one in said), "a second try")
    until(producer.idle, "all acknowledged")


def test_a_missing_topic_stops_the_producer(start: Start, root: Path, sink: CaptureSink) -> None:
    producer = start()
    sink.broken = UsageError("no such topic")
    (root / "a.md").write_text("a")
    until(lambda: producer.failure() is not None, "the failure")
    assert isinstance(producer.failure(), UsageError)


def test_progress_is_in_a_file(start: Start, root: Path, tmp_path: Path) -> None:
    (root / "a.md").write_text("a")
    start().write_progress()
    assert '"published": 1' in (tmp_path / "state" / "files.json").read_text()

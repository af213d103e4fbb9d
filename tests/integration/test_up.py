"""``freshet up`` as a user runs it: a folder becomes searchable, stops in order, and goes on where it ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx
import psutil
import pytest

from freshet.errors import UsageError
from freshet.stack.process import StackProcess, free_port, wait_until
from freshet.stack.runfile import RunFile, read_run_file
from tests.integration.embeddings import embedded_by_model

START_SECONDS = 120.0


class Up(StackProcess):
    """``freshet up`` itself as a watched process."""

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__("freshet up", folder / "up.log")
        self.state = folder / "state"
        self.notes = folder / "notes"
        self.port = port
        self.options: tuple[str, ...] = ()

    def command(self) -> Sequence[str]:
        place = ("--watch", str(self.notes), "--state", str(self.state), "--port", str(self.port), "--no-canary")
        return [*freshet("up"), *place, *self.options]

    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "PYTHONUNBUFFERED": "1"}

    def ready(self) -> bool:
        try:
            read_run_file(self.state)
        except UsageError:
            return False
        return True

    @property
    def run(self) -> RunFile:
        return read_run_file(self.state)

    def search(self, text: str) -> list[tuple[str, int]]:
        """Id and version of each hit."""
        answer = httpx.get(f"{self.run.search_url}/search", params={"q": text}, timeout=30).raise_for_status()
        return _hits(answer.text)

    def search_by_command(self, text: str) -> list[tuple[str, int]]:
        """The same through the command line, whose process takes a second to start."""
        run = subprocess.run(
            [*freshet("search"), text, "--state", str(self.state), "--json"], capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        return _hits(run.stdout)

    def wait_found(self, text: str, document_id: str) -> None:
        def found() -> bool:
            hits = self.search(text)
            return bool(hits) and hits[0][0] == document_id

        wait_until(found, f"{text!r} finds {document_id}", START_SECONDS, (self,))
        assert self.search_by_command(text)[0][0] == document_id

    def interrupt(self) -> None:
        """Ctrl-C, and wait for the end."""
        os.kill(self.pid, signal.SIGINT)
        wait_until(lambda: not self.alive, "freshet up has ended after Ctrl-C", 60)


def _hits(answer: str) -> list[tuple[str, int]]:
    return [(hit["id"], hit["version"]) for hit in json.loads(answer)["results"]]


def freshet(command: str) -> list[str]:
    return [str(Path(sys.executable).parent / "freshet"), command]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "tea.md").write_text("# Tea\n\nGreen tea is steeped at eighty degrees.\n")
    (tmp_path / "notes" / "ship.txt").write_text("The harbour pilot boards the container ship at dawn.\n")
    process = Up(tmp_path, free_port())
    yield process
    process.kill()


@pytest.mark.timeout(600)
def test_a_folder_is_searchable_from_start_to_rebuild(up: Up) -> None:
    up.start()
    up.wait_ready(START_SECONDS)
    up.wait_found("how hot should the water for tea be", "file:tea.md")
    _changes_are_found(up)
    _a_second_start_is_refused(up)
    _ctrl_c_ends_all(up)

    (up.notes / "night.md").write_text("Written while nothing ran: owls hunt at night.")
    (up.notes / "bread.md").unlink()
    up.start()
    up.wait_ready(START_SECONDS)
    up.wait_found("nocturnal birds", "file:night.md")
    wait_until(lambda: "file:bread.md" not in dict(up.search("bread")), "what vanished meanwhile is gone", 60, (up,))
    up.wait_found("musicians practising", "file:ship.txt")
    assert embedded_by_model(up.run.job_metrics_url) == 1, "only the new file went through the model"

    _publish(up, "lake", "Herons wade through the shallow lake.", version=7)
    up.wait_found("herons in shallow water", "lake")
    before = dict(up.search("anything"))
    orphans = [psutil.Process(entry.pid) for entry in up.run.processes.values()]
    up.kill()
    wait_until(lambda: not any(one.is_running() for one in orphans), "the children of a killed parent ended", 30)

    up.options = ("--rebuild",)
    up.start()
    wait_until(
        lambda: up.ready() and up.run.processes["kafka"].pid != orphans[0].pid, "it is up again", START_SECONDS, (up,)
    )
    for text, document_id in (("nocturnal birds", "file:night.md"), ("musicians practising", "file:ship.txt")):
        up.wait_found(text, document_id)
    wait_until(
        lambda: dict(up.search("anything")).keys() == before.keys(),
        "the topic and the folder gave all back, and nothing that was deleted",
        60,
        (up,),
    )
    assert dict(up.search("anything"))["lake"] == before["lake"] == 7


def _changes_are_found(up: Up) -> None:
    (up.notes / "bread.md").write_text("Sourdough bread rises overnight.")
    up.wait_found("baking a loaf", "file:bread.md")
    (up.notes / "ship.txt").write_text("The orchestra rehearses a symphony.")
    up.wait_found("musicians practising", "file:ship.txt")
    (up.notes / "tea.md").unlink()
    wait_until(lambda: "file:tea.md" not in dict(up.search("tea")), "the deleted file is found no longer", 60, (up,))


def _a_second_start_is_refused(up: Up) -> None:
    second = subprocess.run(up.command(), capture_output=True, text=True, timeout=60)
    assert second.returncode == 1
    assert "in use" in second.stderr
    status = subprocess.run([*freshet("status"), "--state", str(up.state), "--json"], capture_output=True, text=True)
    assert status.returncode == 0, status.stdout


def _ctrl_c_ends_all(up: Up) -> None:
    processes = [psutil.Process(entry.pid) for entry in up.run.processes.values()]
    up.interrupt()
    assert not any(process.is_running() for process in processes)
    assert "Stopped." in up.tail()


def _publish(up: Up, document_id: str, text: str, version: int) -> None:
    command = [*freshet("publish"), "--state", str(up.state), document_id, "--text", text, "--version", str(version)]
    publish = subprocess.run(command, capture_output=True, text=True)
    assert publish.returncode == 0, publish.stderr


def test_a_taken_port_is_named_with_the_way_out(up: Up) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", up.port))
        taken.listen()
        run = subprocess.run(up.command(), capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert f"port {up.port} is taken" in run.stderr
    assert "--port" in run.stderr

"""kill -9 of a program that publishes, while the broker owes it the acknowledgement of 100 records."""

from __future__ import annotations

from pathlib import Path

import pytest

from freshet.stack.process import wait_until
from freshet.stack.python_process import PythonProcess
from tests.faults.harness.journal import read_journal
from tests.faults.harness.ledger import Ledger
from tests.faults.harness.trial import IN_FLIGHT, Trial


@pytest.mark.short
def test_kill_9_of_producer(trial: Trial, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    settings = {
        "bootstrap": trial.lab.kafka.bootstrap,
        "journal": str(journal),
        "prefix": f"{trial.prefix}/killed",
        "seed": str(trial.seed),
        "rate": "150",
    }
    arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
    producer = PythonProcess("producer", tmp_path / "log", "tests.faults.harness.sender_process", arguments)

    def noted() -> Ledger:
        ledger = Ledger()
        if journal.exists():
            read_journal(journal, ledger)
        return ledger

    def unknown() -> int:
        return sum(len(one.unknown) for one in noted().expectations().values())

    with trial.under_load(rate=30):
        producer.start()
        wait_until(lambda: len(noted()) >= 100, "the producer is under way", 30, (producer,))
        with trial.stack.broker.frozen():
            wait_until(lambda: unknown() >= IN_FLIGHT, "records wait for their acknowledgement", 30, (producer,))
            trial.breaks(producer.kill, in_flight=unknown())
    read_journal(journal, trial.ledger)
    trial.verify()

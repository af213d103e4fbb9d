"""A load as a process of its own, to be killed: ``python -m tests.faults.harness.sender_process``."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

from freshet.settings import KafkaSettings
from tests.faults.harness.journal import Journal
from tests.faults.harness.plan import Plan
from tests.faults.harness.sender import Sender


def main() -> None:
    """Send until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--prefix", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sender = Sender(KafkaSettings(bootstrap=arguments.bootstrap), Journal(arguments.journal))
    sender.run(Plan(arguments.prefix, arguments.seed, arguments.rate))


if __name__ == "__main__":
    main()

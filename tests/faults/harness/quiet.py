"""Until nothing is on its way any more: behind a fence on every partition, not behind a count that may be old."""

from __future__ import annotations

from freshet.errors import UnavailableError
from freshet.stack.process import ProcessFailed, wait_until
from freshet.topics import DOCUMENTS
from tests.faults.harness.api import Api, Down
from tests.faults.harness.keeper import all_runs
from tests.faults.harness.lab import Lab
from tests.faults.harness.ledger import Change, Ledger
from tests.faults.harness.plan import FIRST_VERSION
from tests.faults.harness.sender import Sender

RUNNING_SECONDS = 120.0
QUIET_SECONDS = 150.0


def quiesce(lab: Lab, ledger: Ledger, prefix: str) -> None:
    """Block until the stack runs, and all that was published before this call is written or dead.

    A last document on each partition of ``documents`` proves it: all stages keep the order within one. Raises
    AssertionError that says what is missing. The caller keeps dead processes coming back meanwhile.
    """
    stack = lab.stack
    api = Api(stack.search_url)
    try:
        wait_until(lambda: all_runs(stack), "everything runs again", RUNNING_SECONDS)
        fence = _send_fence(lab, ledger, prefix)
        wait_until(lambda: _arrived(api, fence), f"the last documents {fence} are found", QUIET_SECONDS)
        wait_until(lambda: _backlog(lab) == 0, "nothing waits", QUIET_SECONDS)
    except ProcessFailed as error:
        down = [process.name for process in stack.processes if not process.alive]
        logs = "\n".join(f"--- {process.name}\n{process.tail(15)}" for process in stack.processes)
        raise AssertionError(f"{error.what}; down {down}, backlog {_backlog(lab)}\n{logs}") from error
    finally:
        api.close()


def _send_fence(lab: Lab, ledger: Ledger, prefix: str) -> list[Change]:
    sender = Sender(lab.kafka, ledger)
    fence: dict[int, Change] = {}
    number = 0
    try:
        while len(fence) < DOCUMENTS.partitions:
            number += 1
            change = Change(f"{prefix}/end-{number}", FIRST_VERSION, "upsert", f"the end of {prefix}")
            sent = sender.send(change, prefix)
            assert sent is not None, "the broker does not take the last documents"
            fence[sent.result(60).partition] = change
    finally:
        sender.stop()
    return list(fence.values())


def _arrived(api: Api, fence: list[Change]) -> bool:
    try:
        found = [api.document(change.document_id) for change in fence]
    except Down:
        return False
    return all(one is not None for one in found)


def _backlog(lab: Lab) -> int:
    """-1 while it cannot be had."""
    try:
        return lab.stack.backlog()
    except UnavailableError:
        return -1

"""Three brokers, and the leader dies while its followers are behind: what ``acks=1`` and ``acks=all`` are worth.

The followers stand still for some seconds, as in a long pause or on a slow network. They stay in step by Kafka's rules
(30 s), so that one of them becomes leader in all order: unclean elections are not allowed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from freshet.errors import UnavailableError
from freshet.settings import Profile
from freshet.stack.kafka import KafkaBroker
from freshet.stack.process import wait_until
from freshet.topics import DOCUMENTS
from tests.faults.harness.checker import Kind
from tests.faults.harness.lab import SEED, Lab, start_stack
from tests.faults.harness.trial import Trial
from tests.faults.harness.verdict import Verdict

BEHIND_SECONDS = 3.0
DOCUMENT_COUNT = 20_000
"""So many that hardly one changes twice: a later version would hide that an earlier one is gone."""
ELECTION_SECONDS = 60.0
MISSING = {Kind.LOST, Kind.STALE, Kind.GHOST}
"""What a record that was acknowledged and is gone looks like: an upsert of a new id, of a known one, or a delete."""

pytestmark = pytest.mark.timeout(500)


@pytest.fixture(scope="module")
def cluster_lab(tmp_path_factory: pytest.TempPathFactory, faults_seed: int) -> Iterator[Lab]:
    lab = Lab(start_stack(tmp_path_factory.mktemp("cluster") / "state", brokers=3), faults_seed)
    yield lab
    lab.drop()


@pytest.mark.parametrize(("acks", "profile"), [("1", "low-latency"), ("all", "durable")])
def test_kill_leader(cluster_lab: Lab, verdicts: Callable[[Verdict], None], acks: str, profile: Profile) -> None:
    print(f"{SEED}={cluster_lab.seed}")  # noqa: T201 - pytest shows it when the test fails
    trial = Trial(cluster_lab, f"kill leader of three acks {acks}", verdicts)
    trial.open()
    with trial.under_load(profile, documents=DOCUMENT_COUNT, long=False):
        trial.pile_up(trial.stack.taskmanager)
        trial.breaks(lambda: _kill_leader_ahead(trial))
    verdict = trial.judge()
    trial.close()
    if profile == "durable":
        verdict.assert_clean()
        return
    kinds = {finding.kind for finding in verdict.findings}
    assert kinds <= MISSING, f"more than missing records: {kinds - MISSING}"
    assert kinds, "the leader was ahead of its followers, and nothing was missing: the fault did not work"


def _kill_leader_ahead(trial: Trial) -> None:
    leader = _leader_of_most(trial)
    with trial.lab.keeper.held():
        with ExitStack() as followers:
            for broker in trial.stack.kafka.brokers:
                if broker is not leader:
                    followers.enter_context(broker.frozen())
            trial.stays_broken(BEHIND_SECONDS)
            leader.kill()
        wait_until(lambda: leader not in _leaders(trial), "its followers have taken over", ELECTION_SECONDS)


def _leader_of_most(trial: Trial) -> KafkaBroker:
    leader, _ = Counter(_leaders(trial)).most_common(1)[0]
    assert leader is not None
    return leader


def _leaders(trial: Trial) -> list[KafkaBroker | None]:
    """Of each partition of ``documents``."""
    try:
        return [trial.stack.kafka.leader(DOCUMENTS.name, number) for number in range(DOCUMENTS.partitions)]
    except UnavailableError:
        return []

"""An upsert that comes after a delete of a higher version stays without effect, whoever has forgotten the delete."""

from __future__ import annotations

import pytest

from freshet.stack.process import wait_until
from tests.faults.harness.api import Api
from tests.faults.harness.ledger import Change
from tests.faults.harness.trial import RECOVERY_SECONDS, Trial

DOCUMENTS = 120


@pytest.mark.short
def test_late_upsert_after_delete(trial: Trial) -> None:
    names = [f"{trial.prefix}/late-{number}" for number in range(DOCUMENTS)]

    def upsert(name: str, version: int) -> None:
        trial.sender.send(Change(name, version, "upsert", f"{name} in version {version}"), trial.prefix)

    with trial.under_load(rate=60):
        for name in names:
            upsert(name, 10)
            trial.sender.send(Change(name, 20, "delete"), trial.prefix)
        api = Api(trial.stack.search_url)
        wait_until(lambda: all(_deleted(api, name) for name in names), "all are deleted", RECOVERY_SECONDS)
        api.close()
        # The job's memory of versions goes with its process, so the store's tombstones must do.
        trial.pile_up(trial.stack.taskmanager)
        trial.breaks(trial.stack.taskmanager.kill)
        for name in names:
            upsert(name, 15)
            upsert(name, 10)
        for name in names[::10]:
            upsert(name, 30)
    trial.verify()


def _deleted(api: Api, name: str) -> bool:
    seen = api.document(name)
    return seen is not None and seen.deleted

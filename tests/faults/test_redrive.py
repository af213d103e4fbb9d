"""The consumer runs with another model than the job: all goes to dead letters. Cured and redriven, all is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumers.dead_letters import Redriver
from freshet.dead_letter_log import StoredLetter, chosen
from freshet.stack.process import wait_until
from tests.faults.harness.observed import dead_letters
from tests.faults.harness.redeploy import serve_with
from tests.faults.harness.trial import RECOVERY_SECONDS, Trial

pytestmark = pytest.mark.timeout(400)


def test_redrive_of_dead_letters(trial: Trial, tmp_path: Path) -> None:
    wrong = {"FRESHET_MODEL_PRECISION": "fp32", "FRESHET_STORE_PATH": str(tmp_path / "store")}
    behind = max((one.offset for one in dead_letters(trial.lab.kafka)), default=-1)

    def refused() -> list[StoredLetter]:
        return [one for one in dead_letters(trial.lab.kafka, behind) if one.letter.reason == "wrong-revision"]

    # A delete has no vector, so that the wrong consumer would apply it, to a store that is given up.
    # Searches meanwhile see that store, and miss in it what they saw before.
    with trial.under_load(deletes=0, watched=False):
        trial.pile_up(trial.stack.serve)
        with serve_with(trial.lab, **wrong):
            trial.breaks(lambda: wait_until(lambda: len(refused()) >= 300, "letters lie there", RECOVERY_SECONDS))
        with Redriver(trial.lab.kafka) as redriver:
            places = {one.place for one in refused()}
            assert redriver.redrive(chosen(trial.lab.kafka, places)) == len(places)
    trial.verify()
    assert trial.dead == []

"""The inference server dies, or stops for 30 s, where the model is behind ML_PREDICT."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from freshet.stack.inference import InferenceServer
from freshet.stack.lag import lags
from freshet.stack.local import LocalStack
from freshet.stack.process import free_port, wait_until
from freshet.stack.settings import StackSettings
from freshet.topics import JOB_GROUP
from tests.faults.conftest import Labs, _trial
from tests.faults.harness.trial import PILE, RECOVERY_SECONDS, Trial
from tests.faults.harness.verdict import Verdict

pytestmark = pytest.mark.timeout(400)
RATE = 60
FROZEN_SECONDS = 30.0


def start(state: Path) -> LocalStack:
    """A stack with that route."""
    settings = StackSettings(
        state=state,
        search_port=free_port(),
        kafka_port=free_port(),
        flink_port=free_port(),
        embedding="ml-predict",
    )
    stack = LocalStack(settings)
    try:
        stack.prepare(lambda step, share: None)
        stack.start(lambda step, share: None)
    except BaseException:
        stack.abort()
        raise
    return stack


@pytest.fixture(scope="module")
def predict_labs(tmp_path_factory: pytest.TempPathFactory, faults_seed: int) -> Iterator[Labs]:
    opened = Labs(tmp_path_factory.mktemp("predict"), faults_seed, start)
    yield opened
    opened.drop()


@pytest.fixture
def predict_trial(
    predict_labs: Labs, verdicts: Callable[[Verdict], None], request: pytest.FixtureRequest
) -> Iterator[Trial]:
    """As ``trial``, with the model on a server."""
    with _trial(predict_labs, verdicts, request) as opened:
        yield opened


@pytest.fixture
def server(predict_trial: Trial) -> InferenceServer:
    assert predict_trial.stack.inference is not None
    return predict_trial.stack.inference


def waits(trial: Trial) -> None:
    """Block until enough records wait for the server."""
    wait_until(
        lambda: lags(trial.lab.kafka)[JOB_GROUP] >= PILE, f"{PILE} records wait for the server", RECOVERY_SECONDS
    )


def test_kill_9_of_the_inference_server(predict_trial: Trial, server: InferenceServer) -> None:
    with predict_trial.under_load(rate=RATE):
        with server.frozen():
            waits(predict_trial)
        predict_trial.breaks(server.kill)
    predict_trial.verify()
    assert predict_trial.dead == []


def test_sigstop_of_the_inference_server_for_30_s(predict_trial: Trial, server: InferenceServer) -> None:
    with predict_trial.under_load(rate=RATE), server.frozen():
        waits(predict_trial)
        predict_trial.breaks(lambda: predict_trial.stays_broken(FROZEN_SECONDS))
    predict_trial.verify()
    assert predict_trial.dead == []

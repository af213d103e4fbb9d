"""The real stack with the model on a server, behind ML_PREDICT; everything else as in the tests beside this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from freshet.stack.inference import ENDPOINT
from freshet.stack.local import LocalStack
from freshet.stack.process import free_port
from freshet.stack.running import running
from freshet.stack.settings import StackSettings
from tests.integration.ml_predict.front import Front

RETRIES = 5


@pytest.fixture(scope="package")
def front() -> Iterator[Front]:
    """Between the job and the server."""
    opened = Front()
    opened.start()
    yield opened
    opened.stop()


@pytest.fixture(scope="package")
def stack(front: Front, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """In place of the one with the model in the job."""
    settings = StackSettings(
        state=tmp_path_factory.mktemp("state"),
        search_port=free_port(),
        kafka_port=free_port(),
        flink_port=free_port(),
        embedding="ml-predict",
        environment=(("FRESHET_JOB_RETRIES", str(RETRIES)),),
    )

    def put_between(stack: LocalStack) -> None:
        assert stack.inference is not None
        front.target = stack.inference.endpoint
        stack.submission.settings[ENDPOINT] = front.endpoint

    with running(settings, put_between) as local:
        yield local

"""The real stack with the model on a server, behind ML_PREDICT; everything else as in the tests beside this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from freshet.stack.local import LocalStack
from freshet.stack.process import free_port
from freshet.stack.settings import StackSettings


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """In place of the one with the model in the job."""
    settings = StackSettings(
        state=tmp_path_factory.mktemp("state"),
        search_port=free_port(),
        embedding="ml-predict",
        environment=(("FRESHET_JOB_RETRIES", "4"),),
    )
    local = LocalStack(settings)
    try:
        local.prepare(lambda step, share: None)
        local.start(lambda step, share: None)
        yield local
    except BaseException:
        local.abort()
        raise
    local.stop()

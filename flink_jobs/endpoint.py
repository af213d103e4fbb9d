"""Asks the embedding server, before the job is submitted, whether its vectors fit the index."""

from __future__ import annotations

import logging
import time

import httpx

from flink_jobs.served_model import ServedModel
from flink_jobs.settings import JobSettings
from freshet.errors import UsageError

WAIT_SECONDS = 60.0
_PAUSE_SECONDS = 0.5
_REVISION = "freshet-revision"

log = logging.getLogger(__name__)


def check_endpoint(job: JobSettings, model: ServedModel, seconds: float = WAIT_SECONDS) -> None:
    """Block until the server answers. Raises UsageError where it does not, or with another model's vectors."""
    deadline = time.monotonic() + seconds
    request = {"model": job.model_name or model.pinned_name, "input": "-", "encoding_format": "float"}
    headers = {"authorization": f"Bearer {job.key()}"}
    while True:
        try:
            answer = httpx.post(job.endpoint, json=request, headers=headers, timeout=5)
            failure = "" if answer.status_code < 500 and answer.status_code != 429 else answer.text[:300]
        except httpx.HTTPError as error:
            failure = f"{type(error).__name__}: {error}"
        if not failure:
            break
        if time.monotonic() > deadline:
            raise UsageError(f"{job.endpoint} gives no vectors", failure, "start the server first: freshet serve-model")
        time.sleep(_PAUSE_SECONDS)
    if answer.status_code != 200:
        remedy = "see FRESHET_JOB_ENDPOINT, FRESHET_JOB_MODEL_NAME and FRESHET_JOB_API_KEY in docs/settings.md"
        raise UsageError(f"{job.endpoint} answered {answer.status_code}", answer.text[:300], remedy)
    found = len(answer.json()["data"][0]["embedding"])
    if found != model.dimension or answer.headers.get(_REVISION, model.revision) != model.revision:
        raise UsageError(
            f"{job.endpoint} runs another model than the index has",
            f"{found} dimensions, revision {answer.headers.get(_REVISION, 'not said')}; "
            f"expected {model.dimension}, {model.revision}",
            "give server, job and search the same FRESHET_MODEL_NAME and FRESHET_MODEL_PRECISION",
        )
    if _REVISION not in answer.headers:
        log.warning("%s does not say its model's revision: that it is %s is not checked", job.endpoint, model.revision)

"""What the Flink job asks of the server before it is submitted."""

from __future__ import annotations

import pytest

from flink_jobs.endpoint import check_endpoint
from flink_jobs.served_model import ServedModel
from flink_jobs.settings import JobSettings
from freshet.embedding.settings import ModelSettings
from freshet.errors import UsageError
from tests.unit.inference.conftest import Serve, Served
from tests.unit.inference.double import DIMENSION


def wanted(name: str = "double", revision: str = "r1", dimension: int = DIMENSION) -> ServedModel:
    return ServedModel(ModelSettings(name), revision, dimension, 32, 2)


def job(served: Served, **settings: str) -> JobSettings:
    endpoint = f"http://127.0.0.1:{served.service.port}/v1/embeddings"
    return JobSettings.model_validate({"endpoint": endpoint, **settings})


def test_the_same_model_is_taken(served: Served) -> None:
    check_endpoint(job(served), wanted())
    check_endpoint(job(served, model_name="double"), wanted())


@pytest.mark.parametrize(
    ("settings", "model", "said"),
    [
        ({}, wanted(revision="r2"), "404"),
        ({"model_name": "double"}, wanted(revision="r2"), "another model"),
        ({"model_name": "double"}, wanted(dimension=9), "another model"),
        ({}, wanted(name="other"), "404"),
    ],
)
def test_another_model_is_refused(served: Served, settings: dict[str, str], model: ServedModel, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_endpoint(job(served, **settings), model)


def test_the_key_is_sent(serve: Serve) -> None:
    served = serve(api_key="secret")
    check_endpoint(job(served, api_key="secret"), wanted())
    with pytest.raises(UsageError, match="401"):
        check_endpoint(job(served, api_key="wrong"), wanted())


def test_a_server_that_is_not_there_is_named_with_the_way_out() -> None:
    nobody = JobSettings.model_validate({"endpoint": "http://127.0.0.1:9/v1/embeddings"})
    with pytest.raises(UsageError, match=r"127\.0\.0\.1:9.*freshet serve-model"):
        check_endpoint(nobody, wanted(), seconds=0)

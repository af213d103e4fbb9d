"""The route through a server: the model as Flink knows it, and ``ML_PREDICT``."""

from __future__ import annotations

from pyflink.table import DataTypes, Schema
from pyflink.table.model_descriptor import ModelDescriptor

from flink_jobs.settings import JobSettings

ERROR = "error-string"
STATUS = "http-status-code"
CLIENT_TIMEOUT_MINUTES = 10
"""Of one attempt, fixed in the provider's client: it cannot be set from here."""


def model(endpoint: str, api_key: str, name: str, retries: int) -> ModelDescriptor:
    """What ``CREATE MODEL`` says in SQL, whose dialect cannot have the columns of the error yet.

    ``retry`` with ``ignore`` behind it, and those columns: so a request that failed ``retries`` times more yields a row
    without a vector and with the reason. Without the columns it would yield no row, and the record would be lost;
    with ``failover`` the job would fail, read the record again, and fail again.
    """
    answer = Schema.new_builder().column("vector", DataTypes.ARRAY(DataTypes.FLOAT()))
    # In this version the provider knows them by the columns' names.
    answer = answer.column_by_metadata(ERROR, DataTypes.STRING(), None, False)
    answer = answer.column_by_metadata(STATUS, DataTypes.INT(), None, False)
    options = {
        "endpoint": endpoint,
        "api-key": api_key,
        "model": name,
        "error-handling-strategy": "retry",
        "retry-num": str(retries),
        "retry-fallback-strategy": "ignore",
    }
    descriptor = ModelDescriptor.for_provider("openai")
    descriptor = descriptor.input_schema(Schema.new_builder().column("text", DataTypes.STRING()).build())
    descriptor = descriptor.output_schema(answer.build())
    for option, value in options.items():
        descriptor = descriptor.option(option, value)
    return descriptor.build()


def predict(table: str, column: str, retries: int, concurrency: int) -> str:
    """The call of the model, as a relation.

    ORDERED: answers come out as the rows went in, so that nothing of a document overtakes what was before it; the
    price is that one slow answer holds up those behind it, ``concurrency`` at most. The timeout is no bound on a
    request but the job's end, so it is longer than all attempts of the client together.
    """
    minutes = (retries + 1) * (CLIENT_TIMEOUT_MINUTES + 1)
    options = {
        "async": "true",
        "output-mode": "ORDERED",
        "max-concurrent-operations": str(concurrency),
        "timeout": f"{minutes} min",
    }
    said = ", ".join(f"'{name}', '{value}'" for name, value in options.items())
    return f"ML_PREDICT(TABLE {table}, MODEL embedder, DESCRIPTOR(`{column}`), MAP[{said}])"


def prepared_view(documents: str, arguments: str) -> str:
    """Every record passes through the model, also those that have nothing for it: else they would overtake."""
    return f"""
        CREATE TEMPORARY VIEW prepared AS
        SELECT d.k, d.v, d.headers, d.`partition`, d.`offset`, p.`text`, p.finished, p.record, p.dead
        FROM {documents} AS d, LATERAL TABLE(before_model({arguments})) AS p(`text`, finished, record, dead)"""


def assembled(job: JobSettings) -> str:
    """The FROM clause behind the model: ``d`` is the record as it came, ``o`` what it became."""
    row = "d.`partition`, d.`offset`, d.`text`, d.finished, d.record, d.dead"
    # No number and no array may be null on its way into Python in thread mode.
    answer = f"COALESCE(d.vector, ARRAY[CAST(0 AS FLOAT)]), d.`{ERROR}`, COALESCE(d.`{STATUS}`, 0)"
    call = f"after_model({row}, {answer})"
    return f"""{predict("prepared", "text", job.retries, job.concurrency)} AS d,
             LATERAL TABLE({call}) AS o(topic, k, v, embedded_at, reason, detail, attempts)"""

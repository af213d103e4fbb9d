"""``freshet up`` and ``freshet bench``: what they take; what they do is in their own modules."""

from __future__ import annotations

from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from freshet.cli.target import DEFAULT_STATE, StateOption
from freshet.stack.settings import DEFAULT_SEARCH_PORT, StackSettings


class StoreChoice(str, Enum):
    """As ``StoreKind``, in the form that typer understands."""

    edge = "edge"
    qdrant = "qdrant"


class EmbeddingChoice(str, Enum):
    """As ``EmbeddingRoute``."""

    in_process = "in-process"
    ml_predict = "ml-predict"


def up(
    watch: Annotated[
        Path | None, typer.Option("--watch", help="Folder to keep searchable; without it only what is published is.")
    ] = None,
    state: StateOption = DEFAULT_STATE,
    port: Annotated[
        int, typer.Option("--port", envvar="FRESHET_SEARCH_PORT", min=1, max=65535, help="Of the search API.")
    ] = DEFAULT_SEARCH_PORT,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Empty the index first and fill it again: after a change of the model.")
    ] = False,
    kafka_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Of the broker; without it: the usual one if free.")
    ] = None,
    flink_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Of Flink's web UI; without it: the usual one if free.")
    ] = None,
    store: Annotated[
        StoreChoice, typer.Option(help="edge: embedded. qdrant: the server that QDRANT_BIN or FRESHET_STORE_URL names.")
    ] = StoreChoice.edge,
    embedding: Annotated[
        EmbeddingChoice,
        typer.Option(
            envvar="FRESHET_JOB_EMBEDDING",
            help="in-process: the model in the Flink job. ml-predict: on an inference server, by Flink's ML_PREDICT.",
        ),
    ] = EmbeddingChoice.in_process,
    canary: Annotated[
        bool, typer.Option(help="Publish a probe every few seconds and search for it: freshness as a user sees it.")
    ] = True,
    prometheus: Annotated[
        bool, typer.Option("--prometheus", help="Watch it with a Prometheus too: `make tools`, or PROMETHEUS_BIN.")
    ] = False,
    postgres: Annotated[
        bool, typer.Option("--postgres", help="Start a PostgreSQL with sample tables too, and capture its changes.")
    ] = False,
    postgres_url: Annotated[
        str, typer.Option(envvar="FRESHET_POSTGRES_URL", metavar="URL", help="Capture the tables of this database.")
    ] = "",
    capture: Annotated[
        bool, typer.Option("--cdc", help="Start Kafka Connect, for captures that `freshet cdc add` makes.")
    ] = False,
) -> None:
    """Start the whole pipeline on this machine.

    Kafka, Flink, the store and search run until Ctrl-C, which stops them in order; what dies is started again.

    \b
    Examples:
      freshet up --watch ~/notes
      freshet up --state /data/freshet --port 8000
      QDRANT_BIN=/opt/qdrant/qdrant freshet up --store qdrant
      freshet up --postgres
      freshet up --postgres-url postgresql://role@host/database
    """
    from freshet.cli.up import up as run
    from freshet.errors import UsageError

    if watch is not None and not watch.is_dir():
        raise UsageError(f"{watch} is no folder", "", "create it, or name another with --watch")
    run(
        StackSettings(
            state,
            watch,
            port,
            kafka_port,
            flink_port,
            rebuild,
            store=store.value,
            embedding=embedding.value,
            canary=canary,
            prometheus=prometheus,
            postgres=postgres,
            postgres_url=postgres_url,
            capture=capture,
        )
    )


def bench(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("docs/results"),
    quick: Annotated[bool, typer.Option(help="A minute, only to see that it works.")] = False,
) -> None:
    """Measure freshness, throughput and search here.

    Writes the figures down with how they were had.

    \b
    Example:
      freshet bench --out /tmp/results
    """
    import_module("freshet.cli.bench").bench(out, quick)

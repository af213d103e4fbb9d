"""Which running system a command talks to: the state folder's, unless options or the environment name another."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from freshet.settings import KafkaSettings

StateOption = Annotated[
    Path, typer.Option("--state", envvar="FRESHET_STATE", help="State folder of the local system.", show_default=True)
]
BootstrapOption = Annotated[
    str | None, typer.Option("--bootstrap", metavar="HOST:PORT", help="Kafka of a remote system.")
]
UrlOption = Annotated[
    str | None, typer.Option("--url", envvar="FRESHET_SEARCH_URL", help="Search API of a remote system.")
]
ApiKeyOption = Annotated[
    str | None, typer.Option("--api-key", envvar="FRESHET_SEARCH_API_KEY", help="Its API key.", show_envvar=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="For a program to read.")]

DEFAULT_STATE = Path(".freshet")


def search_url(state: Path, url: str | None) -> str:
    """Raises UsageError when nothing runs and no address was given."""
    if url is not None:
        return url.rstrip("/")
    from freshet.stack.runfile import read_run_file

    return read_run_file(state).search_url


def kafka_settings(state: Path, bootstrap: str | None) -> KafkaSettings:
    """``--bootstrap``, else FRESHET_KAFKA_BOOTSTRAP, else the running system's. Raises UsageError without one."""
    from freshet.settings import KafkaSettings

    if bootstrap is None and "FRESHET_KAFKA_BOOTSTRAP" not in os.environ:
        from freshet.stack.runfile import read_run_file

        bootstrap = read_run_file(state).bootstrap
    settings = KafkaSettings()
    return settings if bootstrap is None else settings.model_copy(update={"bootstrap": bootstrap})

"""``freshet delete``."""

from __future__ import annotations

from typing import Annotated

import typer

from freshet.cli.publish import ProfileOption, open_publisher, show_receipt
from freshet.cli.target import DEFAULT_STATE, BootstrapOption, JsonOption, StateOption


def delete(
    document: Annotated[str, typer.Argument(metavar="ID", help="Document id, as a search shows it.")],
    version: Annotated[
        int | None, typer.Option(min=0, help="Above that of its newest upsert; without it: the time in ns.")
    ] = None,
    tenant: Annotated[str, typer.Option(help="Whose document it is.")] = "",
    source: Annotated[str, typer.Option(help="Which source it comes from.")] = "cli",
    profile: ProfileOption = "low-latency",
    state: StateOption = DEFAULT_STATE,
    bootstrap: BootstrapOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a document. What is published later with a lower version does not bring it back.

    \b
    Examples:
      freshet delete note-1
      freshet delete order-17 --version 104
    """
    import time

    with open_publisher(profile, state, bootstrap) as publisher:
        version = time.time_ns() if version is None else version
        show_receipt(publisher.delete(document, version, tenant=tenant, source=source).result(), as_json)

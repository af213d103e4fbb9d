"""``freshet publish``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freshet.cli.target import DEFAULT_STATE, BootstrapOption, JsonOption, StateOption

if TYPE_CHECKING:
    from freshet.publishing import Publisher

STDIN = "-"
SHOWN_REFUSALS = 20

ProfileOption = Annotated[
    str,
    typer.Option("--profile", metavar="low-latency|durable", help="durable: acknowledged by all replicas, idempotent."),
]


def publish(
    document: Annotated[str, typer.Argument(metavar="ID|-", help="Document id, or - for JSON lines from stdin.")],
    text: Annotated[str | None, typer.Option("--text", help="The new content.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", exists=True, dir_okay=False, help="Read the content (UTF-8) from a file.")
    ] = None,
    metadata: Annotated[
        list[str] | None, typer.Option("--metadata", metavar="NAME=VALUE", help="JSON, else text. Repeatable.")
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=0, help="Has to grow with each change of this id; without it: the time in ns.")
    ] = None,
    tenant: Annotated[str, typer.Option(help="Whose document it is.")] = "",
    source: Annotated[str, typer.Option(help="Which source it comes from.")] = "cli",
    profile: ProfileOption = "low-latency",
    state: StateOption = DEFAULT_STATE,
    bootstrap: BootstrapOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish a new version of a document.

    It can be searched about 100 ms later.

    \b
    Examples:
      freshet publish note-1 --text "Returns are free for 30 days." --metadata language=en
      freshet publish manual --file manual.txt --metadata pages=212
      cat changes.jsonl | freshet publish -

    \b
    Lines of changes.jsonl:
      {"id": "note-1", "text": "…", "metadata": {"language": "en"}, "version": 7}
      {"id": "note-1", "op": "delete", "version": 8}
    """
    many = document == STDIN
    if many and (text is not None or file is not None or metadata or version is not None):
        raise typer.BadParameter("with - each line says its own text, metadata and version", param_hint="ID")
    if not many and (text is None) == (file is None):
        raise typer.BadParameter("give either --text or --file", param_hint="--text")
    from freshet.cli import pairs

    fields = pairs.metadata(metadata or (), "--metadata")
    with open_publisher(profile, state, bootstrap) as publisher:
        if many:
            _publish_lines(publisher, tenant, source, as_json)
            return
        import time

        content = text if text is not None else _pieces(file or Path())
        version = time.time_ns() if version is None else version
        sent = publisher.publish(document, content, version=version, metadata=fields, tenant=tenant, source=source)
        show_receipt(sent.result(), as_json)


def open_publisher(profile: str, state: Path, bootstrap: str | None) -> Publisher:
    """Raises typer.BadParameter for an unknown profile, UsageError if nothing runs, UnavailableError without Kafka."""
    if profile not in ("low-latency", "durable"):
        raise typer.BadParameter(f"{profile!r} is neither low-latency nor durable", param_hint="--profile")
    from freshet.cli.target import kafka_settings
    from freshet.publishing import Publisher

    publisher = Publisher(kafka_settings(state, bootstrap), "durable" if profile == "durable" else "low-latency")
    try:
        publisher.reach()
    except BaseException:
        publisher.close()
        raise
    return publisher


def show_receipt(receipt: object, as_json: bool) -> None:
    from freshet.cli.output import console, print_json
    from freshet.publishing import Receipt

    assert isinstance(receipt, Receipt)
    if as_json:
        print_json(receipt)
        return
    place = f"{receipt.topic}, partition {receipt.partition}, offset {receipt.offset}"
    console().print(f"{receipt.id}: version {receipt.version} is in {place}", markup=False, soft_wrap=True)


def _pieces(file: Path) -> Iterator[str]:
    """A text of any size, without holding it."""
    from freshet.errors import UsageError

    try:
        with file.open(encoding="utf-8", newline="") as content:
            while piece := content.read(1 << 16):
                yield piece
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{file} is not UTF-8", str(error), "convert it, or let `freshet up --watch` read it"
        ) from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read", str(error), "check its permissions") from error


def _publish_lines(publisher: Publisher, tenant: str, source: str, as_json: bool) -> None:
    import sys

    from freshet.cli.json_lines import publish_lines
    from freshet.cli.output import console, error_console, print_json

    outcome = publish_lines(publisher, sys.stdin.buffer, tenant, source)
    if as_json:
        print_json(outcome)
    else:
        console().print(f"{outcome.acknowledged} published, {len(outcome.refused)} refused")
        for number, why in outcome.refused[:SHOWN_REFUSALS]:
            error_console().print(f"line {number}: {why}", style="red", markup=False, soft_wrap=True)
    if outcome.refused:
        raise typer.Exit(1)

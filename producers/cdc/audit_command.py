"""``freshet audit``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from freshet.cli.target import (
    DEFAULT_STATE,
    ApiKeyOption,
    BootstrapOption,
    JsonOption,
    StateOption,
    UrlOption,
    kafka_settings,
    search_url,
)

if TYPE_CHECKING:
    import threading

    from producers.cdc.auditor import Auditor
    from producers.cdc.comparison import TableAudit

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})


@app.command()
def audit(
    name: Annotated[str | None, typer.Argument(help="One capture; else all.")] = None,
    table: Annotated[str | None, typer.Option(help="Only this one: schema.table.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Send again what differs, delete what has no row.")] = False,
    ids_only: Annotated[bool, typer.Option("--ids-only", help="Do not compare contents: much quicker.")] = False,
    every: Annotated[
        float | None, typer.Option(min=1, metavar="SECONDS", help="Go on until a signal, a round this often.")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Of a Prometheus endpoint, with --every.")
    ] = None,
    metrics_host: Annotated[str, typer.Option(help="Address of that endpoint.")] = "127.0.0.1",
    state: StateOption = DEFAULT_STATE,
    url: UrlOption = None,
    bootstrap: BootstrapOption = None,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the rows of captured tables with the documents in the index.

    Exit code 1 when they differ, or when --repair could not mend all of it.

    \b
    Examples:
      freshet audit
      freshet audit shop --repair
      freshet audit --every 3600 --metrics-port 9470
    """
    from contextlib import ExitStack, closing

    from freshet.cli.output import print_json
    from freshet.errors import UsageError
    from freshet.publishing import Publisher
    from producers.cdc.auditor import Auditor
    from producers.cdc.command_context import captures_of
    from producers.cdc.index import Index

    if metrics_port is not None and every is None:
        raise UsageError("--metrics-port needs --every", "an audit alone ends before anybody asks", "")
    with ExitStack() as opened:
        index = opened.enter_context(closing(Index(search_url(state, url), api_key)))
        sink = opened.enter_context(Publisher(kafka_settings(state, bootstrap))) if repair else None
        auditor = Auditor(captures_of(state), index, sink, name=name, table=table, texts=not ids_only)
        if every is not None:
            raise typer.Exit(_repeat(auditor, every, metrics_port, metrics_host, as_json))
        found = auditor.once(_nothing if as_json else _show)
    if as_json:
        print_json(found)
    elif not found:
        typer.echo("nothing is captured: freshet cdc add")
    if any(one.left for audits in found.values() for one in audits):
        raise typer.Exit(1)


def _repeat(auditor: Auditor, every_s: float, port: int | None, host: str, as_json: bool) -> int:
    import logging

    from freshet.metrics_endpoint import serve_metrics
    from producers.process import run_process

    log = logging.getLogger("producers.cdc.audit")

    def work(stop: threading.Event) -> None:
        # What is named wrong is said at once; later it may be a capture that is just being changed.
        auditor.chosen()
        if port is not None:
            log.info("metrics at http://%s:%d/metrics", host, serve_metrics(port, host))
        auditor.repeat(every_s, _show_json if as_json else _show, stop)

    return run_process(log, work)


def _nothing(capture: str, one: TableAudit) -> None:
    """All is shown at the end."""


def _show_json(capture: str, one: TableAudit) -> None:
    from freshet.cli.output import print_json

    print_json({"capture": capture, "audit": one})


def _show(capture: str, one: TableAudit) -> None:
    differing = f"{one.missing} missing, {one.orphans} orphans, {one.different} different"
    typer.echo(f"{capture} {one.table}: {one.rows} rows, {one.documents} documents; {differing}")
    if one.refused:
        typer.echo(f"  {one.refused} rows make no document: freshet dead-letters list")
    if one.unsettled:
        typer.echo(f"  {one.unsettled} of them were not looked at again for want of time: perhaps changes on their way")
    for kind, names in one.examples.items():
        typer.echo(f"  {kind}: {', '.join(names)}")
    if one.ahead:
        typer.echo(f"  ✗ {one.ahead} documents are ahead of the database's log: it was restored or moved.")
        typer.echo(f"    Raise `epoch` in the definition of {capture}, add it again, then repair.")
    if one.repaired:
        typer.echo(f"  {one.repaired} sent again")

"""``freshet audit``."""

from __future__ import annotations

from typing import Annotated

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

app = typer.Typer()


@app.command()
def audit(
    name: Annotated[str | None, typer.Argument(help="One capture; else all.")] = None,
    table: Annotated[str | None, typer.Option(help="Only this one: schema.table.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Send again what differs, delete what has no row.")] = False,
    ids_only: Annotated[bool, typer.Option("--ids-only", help="Do not compare contents: much quicker.")] = False,
    state: StateOption = DEFAULT_STATE,
    url: UrlOption = None,
    bootstrap: BootstrapOption = None,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the rows of captured tables with the documents in the index.

    Exit code 1 when they differ and it was not told to repair.

    \b
    Examples:
      freshet audit
      freshet audit shop --repair
    """
    from freshet.cli.output import print_json
    from freshet.publishing import Publisher
    from producers.cdc.audit import Audit, TableAudit, audit_tables
    from producers.cdc.capture import CapturedTable
    from producers.cdc.command_context import captures_of
    from producers.cdc.index import Index

    captures = captures_of(state)
    chosen = [captures.read(name)] if name else captures.all()
    index = Index(search_url(state, url), api_key)
    publisher = Publisher(kafka_settings(state, bootstrap)) if repair else None
    found: dict[str, list[TableAudit]] = {}
    try:
        for capture in chosen:
            comparison = Audit(capture, index)

            def run(one: CapturedTable, comparison: Audit = comparison) -> TableAudit:
                return comparison.run(one, publisher, texts=not ids_only)

            tables = [one for one in capture.tables if table in (None, one.table)]
            if repair:
                # The producer must not take what it remembers for what the index holds.
                captures.touch(capture.name)
            found[capture.name] = audit_tables(capture, tables, run)
            if repair:
                captures.touch(capture.name)
    finally:
        if publisher is not None:
            publisher.close()
    if as_json:
        print_json(found)
    else:
        for capture_name, audits in found.items():
            for one in audits:
                _show(capture_name, one)
    if not repair and not all(one.clean for audits in found.values() for one in audits):
        raise typer.Exit(1)


def _show(capture: str, one: object) -> None:
    from producers.cdc.audit import TableAudit

    assert isinstance(one, TableAudit)
    differing = f"{one.missing} missing, {one.orphans} orphans, {one.different} different"
    typer.echo(f"{capture} {one.table}: {one.rows} rows, {one.documents} documents; {differing}")
    if one.refused:
        typer.echo(f"  {one.refused} rows make no document: freshet dead-letters list")
    for kind, names in one.examples.items():
        typer.echo(f"  {kind}: {', '.join(names)}")
    if one.ahead:
        typer.echo(f"  ✗ {one.ahead} documents are ahead of the database's log: it was restored or moved.")
        typer.echo(f"    Raise `epoch` in the definition of {capture}, add it again, then repair.")
    if one.repaired:
        typer.echo(f"  {one.repaired} sent again")

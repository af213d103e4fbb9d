"""``freshet cdc``: databases whose changes are captured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from freshet.cli.target import DEFAULT_STATE, JsonOption, StateOption
from producers.cdc.command_context import ConnectOption, NameArgument, captures_of, registration_of, show_findings

app = typer.Typer(
    help="Capture the changes of databases: PostgreSQL through Debezium.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

FileOption = Annotated[Path | None, typer.Option("--file", exists=True, dir_okay=False, help="A capture as YAML.")]


@app.command()
def add(
    url: Annotated[str | None, typer.Argument(help="postgresql://role:password@host:port/database")] = None,
    table: Annotated[list[str] | None, typer.Option(help="schema.table; repeatable. None: all with a key.")] = None,
    key: Annotated[str, typer.Option(help="Columns that name a row, with commas; else the primary key.")] = "",
    text: Annotated[str, typer.Option(help="Template, such as '{{title}}\\n\\n{{body}}'; else all text columns.")] = "",
    metadata: Annotated[str, typer.Option(help="Columns that become metadata, with commas.")] = "",
    tenant: Annotated[str, typer.Option(help="Column that names the tenant.")] = "",
    toast: Annotated[str, typer.Option(metavar="reselect|full", help="Where unchanged large columns come from.")] = (
        "reselect"
    ),
    name: Annotated[str, typer.Option(help="Of the capture; it begins every document id.")] = "database",
    file: FileOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check.")] = False,
    state: StateOption = DEFAULT_STATE,
    connect: ConnectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a database, then capture it. Again with another table: adds that table.

    Everything is checked first, and each thing to mend is named with its SQL. The password may also come in PGPASSWORD.

    \b
    Examples:
      freshet cdc add postgresql://app@db/shop --table public.articles --text '{{title}}: {{body}}'
      freshet cdc add --file captures/shop.yaml
      freshet cdc add postgresql://app@db/shop --dry-run
    """
    from freshet.errors import UsageError
    from producers.cdc.asked import asked_capture
    from producers.cdc.capture import read_capture
    from producers.cdc.password import with_password

    captures = captures_of(state)
    if file is not None and url is not None:
        raise UsageError("both an address and --file are given", "each says what to capture", "leave one out")
    if file is not None:
        capture = read_capture(file)
        capture = with_password(capture, captures.known(capture.name))
    elif url is not None:
        capture = asked_capture(url, name, table or [], key, text, metadata, tenant, toast, captures.known(name))
    else:
        raise UsageError("nothing says what to capture", "", "give an address, or a definition with --file")
    registration = registration_of(state, connect)
    if dry_run:
        findings = registration.check(capture)
        show_findings(findings, as_json)
        raise typer.Exit(int(any(one.level == "fail" for one in findings)))
    show_findings(registration.add(capture), as_json)
    if not as_json:
        typer.echo(f"{capture.name} is captured; see how its rows are read: freshet cdc status")


@app.command("list")
def list_captures(state: StateOption = DEFAULT_STATE, as_json: JsonOption = False) -> None:
    """Name the captures and their tables."""
    from freshet.cli.output import print_json

    found = captures_of(state).all()
    if as_json:
        print_json([one.model_dump(mode="json", exclude={"password"}) for one in found])
        return
    for one in found:
        typer.echo(f"{one.name}  {one.url}")
        for table in one.tables:
            typer.echo(f"  {table.table}  key {', '.join(table.key)}  text {table.text!r}")
    if not found:
        typer.echo("nothing is captured: freshet cdc add")


@app.command()
def status(
    name: Annotated[str | None, typer.Argument(help="One capture; else all.")] = None,
    state: StateOption = DEFAULT_STATE,
    connect: ConnectOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show connector, slot and first reads of each capture, and what is wrong.

    Exit code 3 when something is.
    """
    from freshet.cli.output import print_json
    from producers.cdc.command_context import connect_url
    from producers.cdc.condition import condition_of, lines

    captures = captures_of(state)
    chosen = [captures.read(name)] if name else captures.all()
    found = [condition_of(one, connect_url(state, connect), captures.state) for one in chosen]
    if as_json:
        print_json(found)
    else:
        for one in found:
            for line in lines(one):
                typer.echo(line)
        if not found:
            typer.echo("nothing is captured: freshet cdc add")
    if any(one.troubles for one in found):
        raise typer.Exit(3)


@app.command()
def pause(name: NameArgument, state: StateOption = DEFAULT_STATE, connect: ConnectOption = None) -> None:
    """Read no changes until it is resumed. Meanwhile the slot keeps log, up to max_slot_wal_keep_size."""
    from producers.cdc.command_context import connect_url
    from producers.cdc.connect_api import ConnectApi

    capture = captures_of(state).read(name)
    with ConnectApi(connect_url(state, connect)) as api:
        api.pause(api.connector_of(capture))
    typer.echo(f"{name} is paused")


@app.command()
def resume(name: NameArgument, state: StateOption = DEFAULT_STATE, connect: ConnectOption = None) -> None:
    """Go on where it was paused."""
    from producers.cdc.command_context import connect_url
    from producers.cdc.connect_api import ConnectApi

    capture = captures_of(state).read(name)
    with ConnectApi(connect_url(state, connect)) as api:
        api.resume(api.connector_of(capture))
    typer.echo(f"{name} is resumed")


@app.command()
def repair(name: NameArgument, state: StateOption = DEFAULT_STATE, connect: ConnectOption = None) -> None:
    """After a lost slot: make a new one and read every row again. Run an audit behind it for what was deleted."""
    registration_of(state, connect).repair(name)
    typer.echo(f"{name} has a new slot, and its rows are being read again.")
    typer.echo(f"What was deleted in between never comes as a change: freshet audit {name} --repair")


@app.command()
def remove(
    name: NameArgument,
    state: StateOption = DEFAULT_STATE,
    connect: ConnectOption = None,
) -> None:
    """Remove connector, offsets, slot and publication. The documents stay in the index.

    A connector for another database than PostgreSQL stays too, as somebody else registered it.
    """
    registration_of(state, connect).remove(name)
    typer.echo(f"{name} is removed; its documents stay until they are deleted")


@app.command()
def prepare(
    file: Annotated[Path, typer.Option("--file", exists=True, dir_okay=False, help="A capture as YAML.")],
    state: StateOption = DEFAULT_STATE,
    as_json: JsonOption = False,
) -> None:
    """Check a database and make publication and slot, for a connector that Strimzi registers."""
    from producers.cdc.capture import read_capture
    from producers.cdc.password import with_password
    from producers.cdc.registration import Registration

    capture = with_password(read_capture(file))
    show_findings(Registration(captures_of(state), "").prepare(capture), as_json)


@app.command()
def manifest(
    name: Annotated[str | None, typer.Argument(help="A capture of this system.")] = None,
    file: FileOption = None,
    cluster: Annotated[str, typer.Option(help="Name of Strimzi's KafkaConnect.")] = "freshet",
    secret: Annotated[str, typer.Option(help="Secret with the key `password`; else freshet-cdc-NAME.")] = "",
    namespace: Annotated[str, typer.Option(help="Of the connector and of the secret.")] = "freshet",
    properties: Annotated[
        bool, typer.Option("--properties", help="Only its properties as JSON, for a Connect without Strimzi.")
    ] = False,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Print the KafkaConnector for Strimzi, made of the same definition. Its password is a reference to a Secret."""
    from freshet.errors import UsageError
    from producers.cdc.capture import read_capture
    from producers.cdc.manifest import manifest_yaml, properties_json

    if name is not None and file is not None:
        raise UsageError("both a name and --file are given", "each says which capture", "leave one out")
    if name is None and file is None:
        raise UsageError("nothing says which capture", "", "name one, or give a definition with --file")
    capture = read_capture(file) if file is not None else captures_of(state).read(name or "")
    if properties:
        typer.echo(properties_json(capture, namespace, secret))
        return
    typer.echo(manifest_yaml(capture, cluster, namespace, secret), nl=False)


@app.command()
def outbox(
    name: Annotated[str | None, typer.Argument(help="A capture of this system.")] = None,
    file: FileOption = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Print the SQL of an outbox that the application, or a trigger on each table of the capture, writes into."""
    from freshet.errors import UsageError
    from producers.cdc.capture import Outbox, read_capture
    from producers.cdc.outbox_sql import outbox_sql

    if name is not None and file is not None:
        raise UsageError("both a name and --file are given", "each says which capture", "leave one out")
    capture = read_capture(file) if file is not None else captures_of(state).read(name) if name else None
    given = capture.outbox if capture is not None and capture.outbox is not None else Outbox()
    typer.echo(outbox_sql(given, () if capture is None else capture.tables), nl=False)

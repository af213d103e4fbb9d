"""The command line. Each command imports what it needs when it runs, so that ``--help`` is quick."""

from __future__ import annotations

from typing import Annotated

import typer

from freshet.cli.delete import delete
from freshet.cli.doctor import doctor
from freshet.cli.group import RootGroup
from freshet.cli.publish import publish
from freshet.cli.search import search
from freshet.cli.stack_commands import bench, up
from freshet.cli.status import status
from freshet.cli.store import app as store
from freshet.cli.top import top
from freshet.cli.trace import trace

app = typer.Typer(
    name="freshet",
    cls=RootGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"freshet {version('freshet')}")
        raise typer.Exit


@app.callback()
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keeps a vector index fresh: a row or a file changes, and within 100 ms a search by meaning finds it.

    Start with freshet up --watch FOLDER, save a file in that folder, then
    freshet search "what you wrote". When something is wrong: freshet status, freshet doctor.
    """


app.command()(up)
app.command()(search)
app.command()(publish)
app.command()(delete)
app.command()(status)
app.command()(top)
app.command()(trace)
app.command()(doctor)
app.command()(bench)
app.add_typer(store, name="store")


def main() -> None:
    """Exit code 0 on success, 1 on an error, 2 for a wrong option, 3 where ``status`` finds something down."""
    app()

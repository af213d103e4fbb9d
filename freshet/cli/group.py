"""The root command: finds commands that stages bring, and turns errors into exit codes."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from freshet.cli.output import print_error
from freshet.errors import FreshetError, UsageError

COMMANDS = "freshet.commands"
"""Entry points that name a Typer app: how a stage adds a command without ``freshet`` importing it."""


class RootGroup(TyperGroup):
    """Loads a stage's command when it is called or listed. FreshetError exits with 1; a traceback needs ``--debug``."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *_staged()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in (staged := _staged()):
            return own
        command = get_command(_load(staged[cmd_name]))
        command.name = cmd_name
        return command

    def invoke(self, ctx: Any) -> Any:
        if not _debug(ctx):
            # Without a handler Python prints warnings to stderr: librdkafka's every failed attempt to connect.
            logging.getLogger("freshet").addHandler(logging.NullHandler())
        try:
            return super().invoke(ctx)
        except FreshetError as error:
            if _debug(ctx):
                raise
            print_error(error)
            raise typer.Exit(1) from error
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise
        except Exception as error:
            if _debug(ctx):
                raise
            print_error(_unexpected(error))
            raise typer.Exit(1) from error


@cache
def _staged() -> Mapping[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=COMMANDS)}


def _load(entry: EntryPoint) -> typer.Typer:
    """A stage that cannot be imported must not take the other commands and the help with it."""
    try:
        app = entry.load()
    except ImportError as error:
        why = f"{entry.value}: {error}"
        app = typer.Typer()

        @app.command(help="(cannot be loaded)", context_settings={"ignore_unknown_options": True})
        def missing(arguments: Annotated[list[str] | None, typer.Argument()] = None) -> None:
            raise UsageError(f"The command {entry.name} cannot be loaded", why, "install Freshet again")

    assert isinstance(app, typer.Typer)
    return app


def _debug(ctx: Any) -> bool:
    return bool(ctx.params.get("debug")) or bool(os.environ.get("FRESHET_DEBUG"))


def _unexpected(error: Exception) -> FreshetError:
    detail = f"{type(error).__name__}: {error}"
    return FreshetError(
        "Freshet failed unexpectedly", detail, "run it as `freshet --debug …` and report what it prints"
    )

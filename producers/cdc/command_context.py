"""Where the commands find captures and Kafka Connect, and how they show findings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from producers.cdc.captures import Captures
    from producers.cdc.checks import Finding
    from producers.cdc.registration import Registration

ConnectOption = Annotated[
    str | None, typer.Option("--connect", envvar="FRESHET_CDC_CONNECT_URL", help="Kafka Connect's REST interface.")
]
NameArgument = Annotated[str, typer.Argument(help="Of the capture, see `freshet cdc list`.")]
_MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


def captures_of(state: Path) -> Captures:
    """FRESHET_CDC_CAPTURES with FRESHET_CDC_STATE, else the folders of the local system."""
    from producers.cdc.captures import Captures

    named = os.environ.get("FRESHET_CDC_CAPTURES")
    noted = os.environ.get("FRESHET_CDC_STATE")
    return Captures(Path(named) if named else state / "cdc" / "captures", Path(noted) if noted else None)


def connect_url(state: Path, given: str | None) -> str:
    """Raises UsageError where nothing names one."""
    from freshet.errors import UsageError
    from freshet.stack.runfile import read_run_file

    found = given or read_run_file(state).connect_url
    if not found:
        raise UsageError(
            "no Kafka Connect runs here", "this system was started without", "start it with `freshet up --cdc`"
        )
    return found.rstrip("/")


def registration_of(state: Path, given: str | None) -> Registration:
    from producers.cdc.registration import Registration
    from producers.cdc.settings import CdcSettings

    return Registration(captures_of(state), connect_url(state, given), CdcSettings().manage)


def show_findings(findings: Sequence[Finding], as_json: bool) -> None:
    from freshet.cli.output import print_json

    if as_json:
        print_json(findings)
        return
    for one in findings:
        typer.echo(f"{_MARKS[one.level]} {one.name}: {one.detail}")
        if one.level != "ok":
            for line in (one.remedy, one.sql):
                if line:
                    typer.echo(f"  → {line}")

"""``freshet doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freshet.cli.target import DEFAULT_STATE, JsonOption, StateOption
from freshet.stack.settings import DEFAULT_SEARCH_PORT

if TYPE_CHECKING:
    from freshet.cli.checks import Check

_MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "bold red")}


def doctor(
    watch: Annotated[Path | None, typer.Option("--watch", help="Also check that this folder can be watched.")] = None,
    state: StateOption = DEFAULT_STATE,
    port: Annotated[
        int, typer.Option("--port", envvar="FRESHET_SEARCH_PORT", min=1, max=65535, help="Of the search API.")
    ] = DEFAULT_SEARCH_PORT,
    as_json: JsonOption = False,
) -> None:
    """Say what is missing on this machine, and what to do.

    Exit code 1 when something must be mended.

    \b
    Examples:
      freshet doctor
      freshet doctor --watch ~/notes
    """
    from freshet.cli.output import console, print_json

    checks = examine(state, watch, port)
    if as_json:
        print_json(checks)
    else:
        from rich.text import Text

        for check in checks:
            mark, style = _MARKS[check.level]
            line = Text.assemble((f"{mark} {check.name}", style), f": {check.detail}")
            if check.remedy:
                line.append(f"\n  → {check.remedy}", style="yellow")
            console().print(line, soft_wrap=True)
    if any(check.level == "fail" for check in checks):
        raise typer.Exit(1)


def examine(state: Path, watch: Path | None, search_port: int) -> list[Check]:
    """Blocks for a few seconds: it runs Java and hashes the jars and the model."""
    from freshet.cli import machine_checks, part_checks, run_checks
    from freshet.settings import model_settings
    from freshet.stack.flink import DEFAULT_REST_PORT
    from freshet.stack.kafka import DEFAULT_PORT
    from freshet.stack.settings import StackSettings

    ran, run = run_checks.run_file(state)
    watched = watch or (Path(run.watch) if run and run.watch else None)
    cache = StackSettings(state).cache
    checks = [
        machine_checks.python(),
        machine_checks.machine(),
        machine_checks.cores(),
        machine_checks.memory(),
        machine_checks.disk(state),
        machine_checks.temporary(),
        machine_checks.writable(state),
        machine_checks.open_files(),
        machine_checks.clock(),
        machine_checks.watches(watched),
        part_checks.java(),
        part_checks.jar_files(cache / "jars"),
        part_checks.model_files(),
        part_checks.built_model(model_settings().cache_dir),
        ran,
        run_checks.port(search_port, "search", run, needed=True),
        run_checks.port(DEFAULT_PORT, "Kafka", run, needed=False),
        run_checks.port(DEFAULT_REST_PORT, "Flink's web UI", run, needed=False),
    ]
    return [check for check in checks if check is not None]

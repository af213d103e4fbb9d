"""``freshet status``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer

from freshet.cli.target import DEFAULT_STATE, ApiKeyOption, BootstrapOption, JsonOption, StateOption, UrlOption

if TYPE_CHECKING:
    from rich.table import Table

    from freshet.cli.system import SystemState

DOWN = 3
"""Exit code when something is down."""


def status(
    state: StateOption = DEFAULT_STATE,
    url: UrlOption = None,
    bootstrap: BootstrapOption = None,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what runs, how fresh it is, and what is wrong.

    Exit code 3 when something is down.

    \b
    Examples:
      freshet status
      freshet status --json | jq .search.host.consumer.freshness_ms
      freshet status --url https://search.example.org --bootstrap kafka:9092
    """
    from freshet.cli.output import print_error, print_json
    from freshet.cli.system import look
    from freshet.errors import UsageError
    from freshet.settings import KafkaSettings
    from freshet.stack.runfile import read_run_file

    run = None
    if url is None and bootstrap is None:
        try:
            run = read_run_file(state)
        except UsageError as error:
            if as_json:
                print_json({"troubles": [{"what": f"{error.what}: {error.detail}", "remedy": error.remedy}]})
            else:
                print_error(error)
            raise typer.Exit(DOWN) from error
    bootstrap = run.bootstrap if run else bootstrap or os.environ.get("FRESHET_KAFKA_BOOTSTRAP")
    kafka = KafkaSettings().model_copy(update={"bootstrap": bootstrap}) if bootstrap else None
    seen = look(run, state, (run.search_url if run else url), kafka, api_key)
    if as_json:
        print_json(seen)
    else:
        _show(seen)
    if seen.troubles:
        raise typer.Exit(DOWN)


def _show(seen: SystemState) -> None:
    from rich.text import Text

    from freshet.cli.output import console

    out = console()
    if seen.processes:
        out.print(_processes(seen))
    out.print(_facts(seen))
    for trouble in seen.troubles:
        line = Text(f"✗ {trouble.what}", "bold red")
        if trouble.remedy:
            line.append(f"\n  → {trouble.remedy}", "yellow")
        out.print(line, soft_wrap=True)
    if not seen.troubles:
        out.print("All is well.", style="bold green")


def _processes(seen: SystemState) -> Table:
    from rich.table import Table
    from rich.text import Text

    from freshet.cli.search import duration

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("process")
    for heading in ("pid", "memory", "cpu", "up"):
        table.add_column(heading, justify="right")
    table.add_column("log", overflow="fold", style="dim")
    for one in seen.processes:
        figures = ["dead", "", ""]
        if one.alive:
            memory = f"{(one.memory_bytes or 0) / 2**20:.0f} MB"
            figures = [memory, f"{one.cpu_percent:.0f} %", duration(one.uptime_seconds or 0)]
        table.add_row(one.name, str(one.pid), *figures, Text(one.log), style="" if one.alive else "bold red")
    return table


def _facts(seen: SystemState) -> Table:
    from rich.table import Table
    from rich.text import Text

    from freshet.cli.system import consumer_state

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")

    def row(label: str, text: str) -> None:
        table.add_row(label, Text(text))

    if (job := seen.job) is not None:
        row("Flink job", f"{job.state}, {job.tasks_running} of {job.tasks} tasks run")
        if job.exception and job.well:
            row("  last failure", f"{job.exception} (recovered)")
    if seen.lag is not None:
        row("behind", ", ".join(f"{group}: {count} records" for group, count in seen.lag.items()))
    consumer = consumer_state(seen)
    fresh = consumer.get("freshness_ms") or {}
    if fresh.get("p50") is not None:
        row("freshness", f"p50 {fresh['p50']:.0f} ms, p99 {fresh['p99']:.0f} ms over the last minute")
    elif consumer:
        row("freshness", "nothing changed in the last minute")
    if "batch_limit" in consumer:
        policy = consumer.get("policy")
        row("batch limit", f"{consumer['batch_limit']} by {policy}" if policy else str(consumer["batch_limit"]))
    if seen.search is not None:
        model, store = seen.search["model"], seen.search["store"]
        row("model", f"{model['name']}, revision {model['revision']}, {model['dimension']} dimensions")
        row("store", f"{store['documents']} documents, {store['chunks']} chunks, {store['indexed']} in HNSW")
    if seen.dead_letters is not None:
        hint = "  (freshet dead-letters list)" if seen.dead_letters else ""
        row("dead letters", f"{seen.dead_letters}{hint}")
    if (files := seen.files) is not None:
        row("files", _files(files))
    return table


def _files(files: dict[str, object]) -> str:
    doing = "watching" if files.get("watching") else "not watching"
    done = f"{files.get('published', '?')} of {files.get('to_publish', '?')} published"
    seen, refused = files.get("scanned", "?"), files.get("refused", "?")
    return f"{doing} {files.get('root', '?')}: {seen} seen, {done}, {refused} refused"

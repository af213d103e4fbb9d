"""``freshet trace``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from freshet.cli.target import DEFAULT_STATE, ApiKeyOption, JsonOption, StateOption, UrlOption

if TYPE_CHECKING:
    from rich.console import RenderableType

HOPS = (
    ("publish", "source-commit", "published", "changed at its source → sent to Kafka"),
    ("embed", "published", "embedded", "Kafka → Flink → cut and embedded"),
    ("upsert", "embedded", "upserted", "Kafka → consumer → batch for the store"),
)
"""Name, stamps of its start and its end, and what happens in it."""
BAR = 48


def trace(
    document: Annotated[str, typer.Argument(metavar="ID", help="Document id, as a search shows it.")],
    state: StateOption = DEFAULT_STATE,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where the milliseconds of a document's last change went.

    From the stamps that are stored with it: no collector is needed, and no change has to be sampled.

    \b
    Examples:
      freshet trace note-1
      freshet trace file:kafka/kraft.txt --json | jq .hops_ms
    """
    from urllib.parse import quote

    from freshet.cli.api import get
    from freshet.cli.output import console, print_json
    from freshet.cli.target import search_url

    found = get(search_url(state, url), f"/traces/{quote(document)}", (), api_key)
    if as_json:
        print_json(found)
    else:
        console().print(_waterfall(found))


def _waterfall(found: dict[str, Any]) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    stamps: dict[str, int] = found["stamps_ns"]
    title = Text.assemble(
        (found["id"], "bold"),
        f"  version {found['version']}, ",
        "deleted" if found["deleted"] else _chunks(found["chunks"]),
    )
    lines: list[RenderableType] = [title]
    if found["traceparent"]:
        lines.append(Text(f"traceparent {found['traceparent']}", style="dim"))
    known = [stamp for _, start, end, _ in HOPS for stamp in (stamps.get(start), stamps.get(end)) if stamp is not None]
    if len(known) < 2:
        return Group(*lines, Text("No hop has both of its stamps: who published it sent none.", style="yellow"))
    first, last = min(known), max(known)
    table = Table(box=None, pad_edge=False, show_header=False)
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for name, start, end, meaning in HOPS:
        begin, done = stamps.get(start), stamps.get(end)
        if begin is None or done is None:
            table.add_row(name, Text("·" * BAR, style="dim"), "–", "a stamp is missing")
            continue
        skewed = "  (the clocks of two machines disagree)" if done < begin else ""
        table.add_row(name, _bar(begin, done, first, last), f"{(done - begin) / 1e6:.1f} ms", meaning + skewed)
    total = Text(f"{(last - first) / 1e6:.1f} ms", style="bold")
    begun = "changed" if "source-commit" in stamps else "first stamp"
    table.add_row("total", "", total, f"{begun} → searchable")
    lines.append(table)
    if found["pending_version"] is not None:
        lines.append(Text(f"version {found['pending_version']} is on its way", style="yellow"))
    return Group(*lines)


def _bar(begin: int, done: int, first: int, last: int) -> RenderableType:
    from rich.text import Text

    begin, done = sorted((begin, done))
    span = max(1, last - first)
    left = min(BAR - 1, (begin - first) * BAR // span)
    width = max(1, round((done - begin) * BAR / span))
    return Text.assemble(" " * left, ("█" * min(width, BAR - left), "cyan"), " " * max(0, BAR - left - width))


def _chunks(count: int) -> str:
    return "1 chunk" if count == 1 else f"{count} chunks"

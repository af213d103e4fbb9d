"""``freshet search``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from freshet.cli.target import DEFAULT_STATE, ApiKeyOption, JsonOption, StateOption, UrlOption

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN_CHARS = 400


def search(
    query: Annotated[str, typer.Argument(help="What to look for, in words.")],
    k: Annotated[int, typer.Option("-k", "--k", help="How many chunks at most.")] = 10,
    meta: Annotated[
        list[str] | None, typer.Option("--meta", metavar="FIELD=VALUE", help="Repeated for one field: any of them.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's documents.")] = None,
    source: Annotated[str | None, typer.Option(help="Only documents of this source, for example files.")] = None,
    min_score: Annotated[float | None, typer.Option(help="Leave out what scores less (cosine, at most 1).")] = None,
    state: StateOption = DEFAULT_STATE,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search by meaning; see how fresh each result is.

    \b
    Examples:
      freshet search "how long may I return an item"
      freshet search "holiday rules" -k 3 --meta language=de --meta language=en
      freshet search "error 42" --source shop --json | jq '.results[].id'
    """
    from freshet.cli.api import get
    from freshet.cli.output import console, print_json
    from freshet.cli.pairs import pair
    from freshet.cli.target import search_url

    parameters = [("q", query), ("k", str(k))]
    parameters += [(f"meta.{field}", value) for field, value in (pair(text, "--meta") for text in meta or ())]
    chosen = (("tenant", tenant), ("source", source), ("min_score", min_score))
    parameters += [(name, str(value)) for name, value in chosen if value is not None]
    answer = get(search_url(state, url), "/search", parameters, api_key)
    if as_json:
        print_json(answer)
        return
    out = console()
    for result in answer["results"]:
        out.print(_shown(result))
    took = answer["took_ms"]
    out.print(
        f"{len(answer['results'])} results in {took['total']:.1f} ms "
        f"(embed {took['embed']:.1f}, store {took['store']:.1f})",
        style="dim",
    )


def _shown(result: dict[str, Any]) -> RenderableType:
    from rich.text import Text

    text = " ".join(result["text"].split())
    shown = Text.assemble((f"{result['score']:.3f}  ", "bold green"), (result["id"], "bold"))
    if result["chunk"] or result["part"]:
        shown.append(f"  chunk {result['part']}.{result['chunk']}", style="dim")
    if result["age_seconds"] is not None:
        shown.append(f"  changed {duration(result['age_seconds'])} ago", style="dim")
    if result["freshness_ms"] is not None:
        shown.append(f", searchable after {duration(result['freshness_ms'] / 1e3)}", style="dim")
    shown.append(f"\n       {text[:SHOWN_CHARS]}{'…' if len(text) > SHOWN_CHARS else ''}\n")
    return shown


def duration(seconds: float) -> str:
    """In the unit that a person would choose."""
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"

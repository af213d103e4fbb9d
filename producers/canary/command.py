"""``freshet canary``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from freshet.cli.target import DEFAULT_STATE, ApiKeyOption, BootstrapOption, JsonOption, StateOption, UrlOption

if TYPE_CHECKING:
    from producers.canary.probe import Flight

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})


@app.command()
def canary(
    count: Annotated[int | None, typer.Option(min=1, help="So many flights; without it: until Ctrl-C.")] = None,
    every: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="From one to the next.")] = 5.0,
    timeout: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="Then it counts as lost.")] = 30.0,
    name: Annotated[str, typer.Option(help="Of its document; several canaries need one each.")] = "by-hand",
    state: StateOption = DEFAULT_STATE,
    url: UrlOption = None,
    bootstrap: BootstrapOption = None,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish a marked document and search until it is found: freshness as a user sees it.

    Exit code 1 when one was lost. The document is deleted again, and ordinary searches never show it.

    \b
    Examples:
      freshet canary --count 20 --every 1
      freshet canary --url https://search.example.org --bootstrap kafka:9092
    """
    import threading

    from pydantic import SecretStr

    from freshet.cli.output import print_json
    from freshet.cli.target import kafka_settings, search_url
    from producers.canary.main import run
    from producers.canary.settings import CanarySettings

    settings = CanarySettings(
        url=search_url(state, url),
        api_key=SecretStr(api_key) if api_key else None,
        name=name,
        every_s=every,
        timeout_s=timeout,
    )
    flights: list[Flight] = []

    def landed(flight: Flight) -> None:
        flights.append(flight)
        if not as_json:
            _show(flight)

    stop = threading.Event()
    try:
        run(settings, kafka_settings(state, bootstrap), stop, landed, count)
    except KeyboardInterrupt:
        stop.set()
    found = sorted(flight.seconds for flight in flights if flight.seconds is not None)
    summary = {
        "flights": len(flights),
        "lost": len(flights) - len(found),
        "p50_ms": round(found[len(found) // 2] * 1e3, 1) if found else None,
        "max_ms": round(found[-1] * 1e3, 1) if found else None,
    }
    if as_json:
        print_json({**summary, "each": flights})
    elif len(flights) > 1:
        typer.echo("  ".join(f"{label} {value}" for label, value in summary.items()))
    if len(found) < len(flights):
        raise typer.Exit(1)


def _show(flight: Flight) -> None:
    if flight.seconds is None:
        typer.secho(f"lost: {flight.lost}", fg="red", err=True)
    else:
        typer.echo(f"found after {flight.seconds * 1e3:.0f} ms")

"""``freshet top``: the live page in a terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from freshet.cli.target import DEFAULT_STATE, ApiKeyOption, JsonOption, StateOption, UrlOption


def top(
    once: Annotated[bool, typer.Option("--once", help="Show it once, after two seconds, and end.")] = False,
    state: StateOption = DEFAULT_STATE,
    url: UrlOption = None,
    api_key: ApiKeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watch changes become searchable, rates, lags, and P99 against batch size.

    Ctrl-C ends it. With --json it prints the figures of one second, as --once does, and ends.

    \b
    Examples:
      freshet top
      freshet top --json | jq .figures.freshness_ms
    """
    from freshet.cli.events import events
    from freshet.cli.output import console, print_json
    from freshet.cli.screen import Screen
    from freshet.cli.target import search_url

    screen = Screen()
    stream = events(search_url(state, url), api_key)
    if once or as_json:
        for name, data in stream:
            screen.take(name, data)
            if screen.complete:
                break
        if as_json:
            print_json({"figures": screen.figures, "changes": list(screen.changes)})
        else:
            console().print(screen.render())
        return
    from rich.live import Live

    try:
        # Without a thread of its own: it could wait for ever for a lock that Ctrl-C made this one leave behind.
        with Live(screen.render(), console=console(), screen=True, auto_refresh=False) as live:
            for name, data in stream:
                screen.take(name, data)
                live.update(screen.render(), refresh=True)
    except KeyboardInterrupt:
        return

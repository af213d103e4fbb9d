"""What the commands print: results on stdout, errors and questions on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from freshet.errors import FreshetError

if TYPE_CHECKING:
    from rich.console import Console


def console() -> Console:
    """For people; without colours where stdout is no terminal."""
    from rich.console import Console

    return Console(highlight=False)


def error_console() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """For programs: one JSON document, indented."""
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def print_error(error: FreshetError) -> None:
    """What failed in red, then the detail, then what to do."""
    from rich.text import Text

    lines = Text(error.what, style="bold red")
    if error.detail:
        lines.append(f"\n  {error.detail}", style="not bold default")
    if error.remedy:
        lines.append(f"\n  → {error.remedy}", style="not bold yellow")
    error_console().print(lines, soft_wrap=True)

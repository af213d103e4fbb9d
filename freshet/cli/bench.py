"""``freshet bench``: the figures in docs/results/, taken on this machine."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.console import Console

from freshet.bench.freshness import Scope, measure
from freshet.stack.process import free_port
from freshet.stack.running import running
from freshet.stack.settings import StackSettings


def bench(out: Path, quick: bool = False) -> None:
    """Start a stack of its own in a temporary folder, measure, stop it. ``quick`` only shows that it works."""
    console = Console()
    scope = Scope(100, 1_000, (200,), 5, 500) if quick else Scope()
    with tempfile.TemporaryDirectory(prefix="freshet-bench-") as folder:
        settings = StackSettings(state=Path(folder), search_port=free_port())

        def progress(step: str, share: float) -> None:
            if share >= 1:
                console.print(f"{step}: ready")

        with running(settings, progress=progress) as stack:
            measure(stack, scope, out, "freshet bench --quick" if quick else "make bench", console.print)

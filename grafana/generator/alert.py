"""What an alert says besides its condition."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from grafana.generator.windows import Windows

Severity = Literal["page", "ticket"]
"""``page``: somebody looks now. ``ticket``: somebody looks on the next working day."""


@dataclass(frozen=True, slots=True)
class Alert:
    """``condition`` gives a series for each thing that is wrong, and nothing while all is well.

    ``shown`` is the same without the bound: what to look at, and what a test looks at while all is well.
    """

    name: str
    severity: Severity
    summary: str
    """May name labels: ``{{ $labels.group }}``."""
    impact: str
    condition: Callable[[Windows], str]
    shown: Callable[[Windows], str]
    seconds: float = 0
    """How long the condition must hold."""

    @property
    def runbook(self) -> str:
        """The page's path under docs/."""
        return f"runbooks/{re.sub(r'(?<!^)(?=[A-Z])', '-', self.name).lower()}.md"

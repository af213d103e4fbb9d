"""One thing that was looked at before a capture, good or bad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from freshet.errors import UsageError

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``sql`` is what somebody with the right to do so should run."""

    name: str
    level: Level
    detail: str
    remedy: str = ""
    sql: str = ""


def require(findings: list[Finding]) -> None:
    """Raises UsageError that names every failure with its remedy."""
    failed = [one for one in findings if one.level == "fail"]
    if failed:
        remedies = [f"{one.remedy}{': ' if one.remedy and one.sql else ''}{one.sql}" for one in failed]
        raise UsageError(
            "the database cannot be captured like this",
            "; ".join(f"{one.name}: {one.detail}" for one in failed),
            "; ".join(dict.fromkeys(one for one in remedies if one)),
        )

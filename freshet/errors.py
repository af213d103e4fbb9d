"""Every error Freshet raises on purpose, split by what the caller does next.

FreshetError
├── RejectedRecord     send the record to dead letters, go on with its neighbours
├── UnavailableError   a dependency is down or slow: retry, commit nothing
└── UsageError         a person must change something: print it and stop
    └── RevisionMismatch
"""

from __future__ import annotations


class FreshetError(Exception):
    """Says what failed, the detail, and what to do about it."""

    def __init__(self, what: str, detail: str = "", remedy: str = "") -> None:
        super().__init__(what, detail, remedy)
        self.what = what
        self.detail = detail
        self.remedy = remedy

    def __str__(self) -> str:
        return ". ".join(part.rstrip(".") for part in (self.what, self.detail, self.remedy) if part)


class RejectedRecord(FreshetError):
    """A record that no retry can mend. ``reason`` is a stable word for metrics and the dead letter."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason


class UnavailableError(FreshetError):
    """Broker, store or model cannot answer at present; nothing was acknowledged."""


class UsageError(FreshetError):
    """Wrong settings, arguments or environment; retrying changes nothing."""


class RevisionMismatch(UsageError):
    """The collection was embedded by another model revision than the one at hand."""

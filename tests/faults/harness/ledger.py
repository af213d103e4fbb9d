"""What was sent, and which of it a delivery report acknowledged: the truth that the system is compared with."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one document. A ledger holds one text for each (document_id, version)."""

    document_id: str
    version: int
    op: Literal["upsert", "delete"]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """Every change of one document that left, oldest first: those with a delivery report, and those without one."""

    document_id: str
    acknowledged: tuple[Change, ...]
    unknown: tuple[Change, ...]
    """Perhaps written, perhaps not: the sender never learnt."""


@dataclass(slots=True)
class _Entry:
    change: Change
    acknowledged: int = 0


@dataclass(slots=True)
class Ledger:
    """Thread-safe. The same change may be sent and acknowledged any number of times."""

    _entries: dict[str, dict[int, _Entry]] = field(default_factory=lambda: defaultdict(dict))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sent(self, change: Change) -> None:
        """Before it leaves. Raises ValueError for a second content of one version: then no checker could judge."""
        with self._lock:
            entry = self._entries[change.document_id].setdefault(change.version, _Entry(change))
        if entry.change != change:
            raise ValueError(f"{change.document_id} already has another version {change.version}")

    def acknowledged(self, change: Change) -> None:
        """The broker reported it as written."""
        with self._lock:
            self._entries[change.document_id][change.version].acknowledged += 1

    def expectations(self) -> dict[str, Expectation]:
        """By document id, as of now."""
        with self._lock:
            return {document_id: _expect(document_id, entries) for document_id, entries in self._entries.items()}

    def changes(self) -> list[Change]:
        """Every change that was acknowledged, in no order."""
        with self._lock:
            return [
                entry.change for entries in self._entries.values() for entry in entries.values() if entry.acknowledged
            ]

    def __len__(self) -> int:
        """How many changes were acknowledged."""
        return len(self.changes())


def _expect(document_id: str, entries: dict[int, _Entry]) -> Expectation:
    ordered = [entries[version] for version in sorted(entries)]
    return Expectation(
        document_id,
        tuple(entry.change for entry in ordered if entry.acknowledged),
        tuple(entry.change for entry in ordered if not entry.acknowledged),
    )

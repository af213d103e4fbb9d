"""Which store the local stack takes, and which processes follow from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from freshet.errors import UsageError
from freshet.stack.local import LocalStack
from freshet.stack.process import free_port
from freshet.stack.settings import StackSettings


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("QDRANT_BIN", "FRESHET_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[LocalStack]:
    made = LocalStack(StackSettings(tmp_path / "state", search_port=free_port(), store="qdrant"))
    yield made
    made.abort()


def test_a_server_that_is_not_there_is_told_before_anything_starts(stack: LocalStack) -> None:
    with pytest.raises(UsageError, match="QDRANT_BIN"):
        stack.prepare(lambda step, share: None)


def test_a_program_that_is_none_is_told(stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDRANT_BIN", str(tmp_path / "absent"))
    with pytest.raises(UsageError, match="absent"):
        stack.prepare(lambda step, share: None)

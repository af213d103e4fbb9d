"""The heads in the process that has their engine. They have no vectors, so no graph is ever built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from qdrant_edge import (
    CountRequest,
    EdgeShard,
    FieldCondition,
    Filter,
    KeywordIndexParams,
    MatchAny,
    MatchValue,
    Point,
    ScrollRequest,
    UpdateOperation,
)

from freshet.store.edge import engine
from freshet.store.edge.messages import Close, CountHeads, Flush, GetHeads, HeadRow, Payload, Put, PutHeads, ScanHeads


class HeadShard:
    def __init__(self, folder: Path) -> None:
        self._shard: EdgeShard = engine.load(folder)
        self._numbers: dict[str, int] = {}
        """Heads by state, as soon as they were asked for: to count 50,000 takes 10 to 30 ms."""

    @staticmethod
    def create(folder: Path) -> None:
        engine.create(folder, engine.head_config(), {"state": KeywordIndexParams()})

    def answers(self) -> dict[type[Any], Callable[[Any], object]]:
        return {
            PutHeads: lambda request: self.write(request.heads),
            GetHeads: lambda request: self.read(request.ids),
            ScanHeads: self.scan,
            CountHeads: lambda request: self.count(request.state),
            Put: lambda request: self.put(request.id, request.payload),
            Flush: lambda _: self._shard.flush(),
            Close: lambda _: self._shard.close(),
        }

    def put(self, identity: str, payload: Payload) -> None:
        self._shard.update(UpdateOperation.upsert_points([Point(identity, {}, payload)]))

    def read(self, ids: Sequence[str]) -> list[Payload]:
        return [record.payload or {} for record in self._shard.retrieve(list(ids), True, False)]

    def write(self, heads: Sequence[HeadRow]) -> int:
        """Upsert each head unless one of a higher version, or not the one it replaces, is there."""
        # One request after the other makes read-then-write exact; the engine's condition compares versions as floats.
        ids: list[int | UUID | str] = [identity for _, identity, _ in heads]
        found = self._shard.retrieve(ids, ["head", "version", "token", "state"], False)
        present = {payload["head"]: payload for record in found if (payload := record.payload)}
        accepted = [
            (identity, payload)
            for replaces, identity, payload in heads
            if _may_replace(replaces, payload, present.get(payload["head"]))
        ]
        if accepted:
            points = [Point(identity, {}, payload) for identity, payload in accepted]
            try:
                self._shard.update(UpdateOperation.upsert_points(points))
            except BaseException:
                self._numbers.clear()  # some of them may be there
                raise
        for _, payload in accepted:
            before = present.get(payload["head"])
            self._count_one(payload["state"], 1)
            if before is not None:
                self._count_one(before["state"], -1)
        return len(accepted)

    def scan(self, request: ScanHeads) -> list[Payload]:
        condition = Filter(must=[FieldCondition("state", match=MatchAny(list(request.states)))])
        records, _ = self._shard.scroll(ScrollRequest(request.start, request.limit, condition, True))
        return [record.payload or {} for record in records]

    def count(self, state: str) -> int:
        if state not in self._numbers:
            condition = FieldCondition("state", match=MatchValue(state))
            self._numbers[state] = self._shard.count(CountRequest(filter=Filter(must=[condition])))
        return self._numbers[state]

    def _count_one(self, state: str, change: int) -> None:
        if state in self._numbers:
            self._numbers[state] += change


def _may_replace(replaces: str | None, head: Payload, present: Payload | None) -> bool:
    if present is None:
        return not replaces
    # Heads written before there were tokens are guarded by their version alone.
    as_read = replaces is None or present.get("token") in (None, replaces)
    return bool(present["version"] <= head["version"]) and as_read

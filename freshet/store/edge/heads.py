"""The heads, as the store sees them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple

from msgspec import msgpack

from freshet.ids import head_id
from freshet.store.edge.client import Pending, ShardClient, nothing, number_of
from freshet.store.edge.messages import CountHeads, GetHeads, HeadRow, Payload, Put, PutHeads, ScanHeads, encode
from freshet.store.payload import DELETED, INFO_ID, LIVE, PENDING, head_of, head_payload, info_of, info_payload
from freshet.store.protocol import CollectionInfo, Head

_payloads = msgpack.Decoder(list[Payload]).decode


class HeadChange(NamedTuple):
    """Heads to be written, encoded."""

    request: bytes
    heads: int


def head_change(heads: Sequence[Head]) -> HeadChange:
    """Of several heads for one document that of the highest version, and the last of these. Needs no lock."""
    newest: dict[str, Head] = {}
    for head in heads:
        before = newest.get(head.document_id)
        if before is None or before.version <= head.version:
            newest[head.document_id] = head
    rows: list[HeadRow] = [(head.replaces, head_id(name), head_payload(head)) for name, head in newest.items()]
    return HeadChange(encode(PutHeads(rows)), len(rows))


class Heads(ShardClient):
    """Calls must not overlap: the caller holds the store's lock."""

    def __init__(self, starter: Executor, folder: Path, create: bool = False) -> None:
        super().__init__(starter, "heads", folder, ["create"] if create else [])

    def info(self) -> CollectionInfo | None:
        found = self.ask(encode(GetHeads([INFO_ID])), _payloads).answer()
        return info_of(found[0]) if found else None

    def set_info(self, info: CollectionInfo) -> None:
        self.ask(encode(Put(INFO_ID, info_payload(info))), nothing).answer()

    def read(self, document_ids: Collection[str]) -> dict[str, Head]:
        if not document_ids:
            return {}
        request = encode(GetHeads([head_id(document_id) for document_id in document_ids]))
        heads = map(head_of, self.ask(request, _payloads).answer())
        return {head.document_id: head for head in heads}

    def write(self, change: HeadChange) -> None:
        """Upsert each head, unless one of a higher version, or not the one it replaces, is there."""
        if change.heads:
            self.ask(change.request, number_of, change.heads).answer()

    def scan(self, after: str | None, limit: int) -> list[Head]:
        """In the order of the points' ids; ``after`` need not exist."""
        # The engine starts at the offset and not behind it.
        start = None if after is None else head_id(after)
        request = ScanHeads(start, limit + (after is not None), [LIVE, DELETED, PENDING])
        heads = map(head_of, self.ask(encode(request), _payloads).answer())
        return [head for head in heads if head.document_id != after][:limit]

    def count(self, state: str) -> Pending[int]:
        return self.ask(encode(CountHeads(state)), number_of)

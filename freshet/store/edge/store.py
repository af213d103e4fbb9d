"""The embedded VectorStore."""

from __future__ import annotations

import shutil
import threading
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from heapq import merge
from itertools import islice
from pathlib import Path

from qdrant_edge import Point

from freshet.errors import RevisionMismatch, UnavailableError, UsageError
from freshet.ids import chunk_id
from freshet.store.edge import engine
from freshet.store.edge.chunks import tags_filter
from freshet.store.edge.folder import Ownership, read_layout, write_layout
from freshet.store.edge.heads import HeadShard, head_points
from freshet.store.edge.partition import Partition
from freshet.store.edge.rebuild import Indexer
from freshet.store.payload import DELETED, LIVE, chunk_payload
from freshet.store.protocol import ChunkPoint, CollectionInfo, Filter, Head, Hit, StoreStats, Vector
from freshet.store.settings import StoreSettings
from freshet.store.tags import wanted
from freshet.store.visibility import Candidate, visible_hits

_FLUSH_AFTER = 4_000
"""Changes after which the engine is flushed in the background: about 25 ms at that size."""


class EdgeStore:
    """A VectorStore in the folder ``settings.path``, which no other process can open meanwhile.

    One lock makes a write, and a search with its reading of the heads, each appear at once. A write that returned
    survives kill -9; after ``flush`` also a power loss.
    """

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._root = settings.path.absolute()
        self._owner = Ownership(self._root)
        self._lock = threading.Lock()
        self._heads: HeadShard | None = None
        self._partitions: list[Partition] = []
        self._info: CollectionInfo | None = None
        self._indexer: Indexer | None = None

    def open(self, expected: CollectionInfo) -> None:
        """Create the collection or open it. Raises UsageError when the folder is taken, damaged or not writable."""
        if self._heads is not None:
            raise UsageError(f"the store in {self._root} is already open", "in this process", "share the one there is")
        self._owner.take()
        with ExitStack() as undo, engine.engine_errors(f"cannot open the store in {self._root}"):
            undo.callback(self._owner.release)
            undo.callback(self._release)
            self._load(expected)
            undo.pop_all()

    def _load(self, expected: CollectionInfo) -> None:
        count = read_layout(self._root)
        if count is None:
            for unfinished in self._root.glob("chunks-*"):
                shutil.rmtree(unfinished)
            count = self._settings.partitions
        roots = [self._root / f"chunks-{number}" for number in range(count)]
        heads = self._root / "heads"
        if read_layout(self._root) is None:
            for root in roots:
                self._partitions.append(Partition(root, expected.dimension, self._settings))
            write_layout(self._root, count)
        elif heads.exists():
            for root in roots:
                if not root.is_dir():
                    raise engine.damaged(self._root, f"{root.name} is missing")
        if not heads.exists():
            HeadShard.create(heads)
        self._heads = HeadShard(heads)
        found = self._heads.info()
        if found is None:
            self._heads.set_info(expected)
        elif found != expected:
            raise _mismatch(self._root, found, expected)
        self._partitions = self._partitions or [Partition(root, expected.dimension, self._settings) for root in roots]
        self._info = expected
        self._indexer = Indexer(self._partitions, self._lock, expected.dimension, self._settings)
        if self._settings.index_in_background:
            self._indexer.start()

    def heads(self, document_ids: Sequence[str]) -> dict[str, Head]:
        with self._lock, engine.engine_errors("cannot read heads"):
            return self._open_heads().read(document_ids)

    def write(self, chunks: Sequence[ChunkPoint], heads: Sequence[Head], sweep: Mapping[str, int]) -> None:
        """As the protocol says. Raises UnavailableError on an almost full disk, before anything is changed."""
        points: dict[int, list[Point]] = defaultdict(list)
        for chunk in chunks:
            points[self._place(chunk.document_id)].append(self._point(chunk))
        sweeps: dict[int, dict[str, int]] = defaultdict(dict)
        for document_id, version in sweep.items():
            sweeps[self._place(document_id)][document_id] = version
        new_heads = head_points(heads)
        with self._lock, engine.engine_errors("cannot write to the store"):
            open_heads = self._open_heads()
            self._check_space()
            for place, batch in points.items():
                self._partitions[place].upsert(batch)
            open_heads.write(new_heads)
            for place, below in sweeps.items():
                self._partitions[place].sweep(below)
            for partition in self._partitions:
                partition.checkpoint(_FLUSH_AFTER)
            open_heads.checkpoint(_FLUSH_AFTER)

    def flush(self) -> None:
        """Sync the logs. Blocks for the disk, while other threads read and write on."""
        with self._lock:
            self._open_heads()
            partitions = list(self._partitions)
        with engine.engine_errors("cannot make the store's log durable"):
            for partition in partitions:
                partition.sync()
            engine.sync_log(self._root / "heads")

    def search(self, vector: Vector, k: int, where: Filter | None = None) -> list[Hit]:
        """The k nearest visible chunks, best first. ``vector``: shape (dimension,), float32. Blocks a few ms."""
        if k < 1:
            return []
        conditions = list(wanted(where or Filter()))
        if not all(conditions):
            return []
        condition = tags_filter(conditions)
        query: list[float] = vector.tolist()
        with self._lock, engine.engine_errors("cannot search the store"):
            heads = self._open_heads()

            def nearest(limit: int) -> list[Candidate]:
                found = [part.serving.nearest(query, limit, condition, self._settings.ef) for part in self._partitions]
                return list(islice(merge(*found, key=lambda candidate: -candidate.score), limit))

            return visible_hits(nearest, heads.read, k, still=True)

    def document(self, document_id: str) -> tuple[Head, list[ChunkPoint]] | None:
        with self._lock, engine.engine_errors("cannot read a document"):
            head = self._open_heads().read([document_id]).get(document_id)
            if head is None:
                return None
            if head.deleted:
                return head, []
            return head, self._partitions[self._place(document_id)].serving.of_document(document_id, head.version)

    def stats(self) -> StoreStats:
        with self._lock, engine.engine_errors("cannot count"):
            heads = self._open_heads()
            counts = [partition.serving.counts() for partition in self._partitions]
            documents, tombstones = heads.count(LIVE), heads.count(DELETED)
        chunks, indexed = (sum(column) for column in zip(*counts, strict=True))
        return StoreStats(documents, tombstones, chunks, indexed, _disk_bytes(self._root))

    def close(self) -> None:
        """Flush and release the folder, ending a build that runs. Safe to call twice."""
        if self._indexer is not None:
            self._indexer.stop()
        with self._lock:
            self._release()
            self._owner.release()

    def _release(self) -> None:
        with engine.engine_errors("cannot close the store"):
            for partition in self._partitions:
                partition.close()
            if self._heads is not None:
                self._heads.close()
        self._partitions, self._heads, self._info = [], None, None

    def _open_heads(self) -> HeadShard:
        if self._heads is None:
            raise UnavailableError("the store is not open", str(self._root), "call open first")
        return self._heads

    def _place(self, document_id: str) -> int:
        return zlib.crc32(document_id.encode("utf-8")) % max(1, len(self._partitions))

    def _point(self, chunk: ChunkPoint) -> Point:
        if self._info is None:
            raise UnavailableError("the store is not open", str(self._root), "call open first")
        if chunk.vector.shape != (self._info.dimension,):
            expected = f"({self._info.dimension},)"
            raise UsageError(f"a vector of shape {chunk.vector.shape}", f"the collection holds {expected}")
        identity = chunk_id(chunk.document_id, chunk.version, chunk.part, chunk.chunk)
        return Point(identity, chunk.vector.tolist(), chunk_payload(chunk, self._info))

    def _check_space(self) -> None:
        free = shutil.disk_usage(self._root).free
        if free < self._settings.disk_reserve:
            raise UnavailableError(
                f"the disk that holds {self._root} is almost full",
                f"{free} bytes are free, {self._settings.disk_reserve} are kept in reserve",
                "free some space; writing goes on by itself",
            )


def _mismatch(root: Path, found: CollectionInfo, expected: CollectionInfo) -> RevisionMismatch:
    return RevisionMismatch(
        f"the store in {root} holds vectors of {found.model} {found.revision} ({found.dimension} dimensions)",
        f"this process embeds with {expected.model} {expected.revision} ({expected.dimension} dimensions)",
        "use the former model, or give another folder and embed again by replaying the topic",
    )


def _disk_bytes(root: Path) -> int:
    """What the files take on disk, which is less than their size: they are sparse."""
    total = 0
    for entry in root.rglob("*"):
        try:
            total += entry.lstat().st_blocks * 512
        except FileNotFoundError:
            continue  # a swap removed it meanwhile
    return total

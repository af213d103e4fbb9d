"""The embedded VectorStore."""

from __future__ import annotations

import shutil
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from heapq import merge
from itertools import islice
from pathlib import Path

import numpy as np

from freshet.errors import RevisionMismatch, UnavailableError, UsageError
from freshet.ids import chunk_id
from freshet.store.edge.checkpoints import FLUSH_IN_WRITE, Checkpoints
from freshet.store.edge.client import ShardClient, close_all, gather
from freshet.store.edge.durable import sync_log
from freshet.store.edge.failures import damaged, engine_errors
from freshet.store.edge.folder import Ownership, disk_bytes, read_layout, write_layout
from freshet.store.edge.generation import Change, nearest_request
from freshet.store.edge.heads import Heads, head_change
from freshet.store.edge.messages import PointRow
from freshet.store.edge.partition import Partition, apply
from freshet.store.edge.rebuild import Indexer
from freshet.store.edge.turns import Turns
from freshet.store.payload import DELETED, LIVE, chunk_payload
from freshet.store.protocol import ChunkPoint, CollectionInfo, Filter, Head, Hit, StoreStats, Vector
from freshet.store.settings import StoreSettings
from freshet.store.tags import wanted
from freshet.store.visibility import Candidate, visible_hits


class EdgeStore:
    """A VectorStore in the folder ``settings.path``, which no other process can open meanwhile.

    One lock makes a write, and a search with its reading of the heads, each appear at once. A write that returned
    survives kill -9; after ``flush`` also a power loss.
    """

    durability_lag_s = 0.0

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._root = settings.path.absolute()
        self._owner = Ownership(self._root)
        self._lock = Turns()
        self._heads: Heads | None = None
        self._partitions: list[Partition] = []
        self._info: CollectionInfo | None = None
        self._indexer: Indexer | None = None
        self._checkpoints: Checkpoints | None = None
        self._starter: ThreadPoolExecutor | None = None
        """Its one thread starts every process: on Linux they end with it, and not with whoever called."""

    def open(self, expected: CollectionInfo) -> None:
        """Create the collection or open it. Raises UsageError when the folder is taken, damaged or not writable."""
        if self._heads is not None:
            raise UsageError(f"the store in {self._root} is already open", "in this process", "share the one there is")
        self._owner.take()
        with ExitStack() as undo, engine_errors(f"cannot open the store in {self._root}"):
            undo.callback(self._owner.release)
            undo.callback(self._release)
            self._load(expected)
            undo.pop_all()

    def _load(self, expected: CollectionInfo) -> None:
        starter = self._starter = ThreadPoolExecutor(1, "freshet-store-start")
        heads = self._root / "heads"
        count = read_layout(self._root)
        creation: list[str] = []
        if count is None:
            self._clear(heads)
            count = self._settings.partitions
            numbers = expected.dimension, self._settings.m, self._settings.ef_construct
            creation = ["create", *map(str, numbers)]
        elif not heads.is_dir():
            raise damaged(self._root, "heads is missing")
        # All processes load at once.
        for number in range(count):
            self._partitions.append(Partition(self._root / f"chunks-{number}", self._settings, starter, creation))
        self._heads = Heads(starter, heads, create=bool(creation))
        for partition in self._partitions:
            partition.ready()
        self._heads.ready()
        found = self._heads.info()
        if found is None:
            self._heads.set_info(expected)
        elif found != expected:
            raise _mismatch(self._root, found, expected)
        if creation:
            write_layout(self._root, count)
        self._info = expected
        self._indexer = Indexer(self._partitions, self._lock, expected.dimension, self._settings)
        self._checkpoints = Checkpoints([*self._partitions, self._heads], self._lock)
        self._checkpoints.start()
        if self._settings.index_in_background:
            self._indexer.start()

    def _clear(self, heads: Path) -> None:
        """Remove what a creation left that did not come to its end, which is ``layout.json``."""
        if heads.exists():
            assert self._starter is not None
            former = Heads(self._starter, heads)
            try:
                former.ready()
                if former.info() is not None:
                    raise damaged(self._root, "layout.json is missing")
            finally:
                former.kill()
        for unfinished in [heads, *self._root.glob("chunks-*")]:
            shutil.rmtree(unfinished, ignore_errors=True)

    def heads(self, document_ids: Sequence[str]) -> dict[str, Head]:
        with self._lock, engine_errors("cannot read heads"):
            return self._open_heads().read(document_ids)

    def write(self, chunks: Sequence[ChunkPoint], heads: Sequence[Head], sweep: Mapping[str, int]) -> None:
        """As the protocol says. Raises UnavailableError on an almost full disk, before anything is changed."""
        points: dict[int, list[PointRow]] = defaultdict(list)
        for chunk in chunks:
            points[self._place(chunk.document_id)].append(self._row(chunk))
        sweeps: dict[int, dict[str, int]] = defaultdict(dict)
        for document_id, version in sweep.items():
            sweeps[self._place(document_id)][document_id] = version
        upserts = {place: Change.upsert(rows) for place, rows in points.items()}
        deletes = {place: Change.sweep(below) for place, below in sweeps.items()}
        new_heads = head_change(heads)
        with self._lock, engine_errors("cannot write to the store"):
            open_heads = self._open_heads()
            self._check_space()
            apply(upserts, self._partitions)
            open_heads.write(new_heads)
            apply(deletes, self._partitions)
            for partition in self._partitions:
                partition.checkpoint(FLUSH_IN_WRITE)
            open_heads.checkpoint(FLUSH_IN_WRITE)

    def flush(self) -> None:
        """Sync the logs. Blocks for the disk, while other threads read and write on."""
        with self._lock:
            self._open_heads()
            partitions = list(self._partitions)
        with engine_errors("cannot make the store's log durable"):
            for partition in partitions:
                partition.sync()
            sync_log(self._root / "heads")

    def search(self, vector: Vector, k: int, where: Filter | None = None) -> list[Hit]:
        """The k nearest visible chunks, best first. ``vector``: shape (dimension,), float32. Blocks a few ms."""
        if k < 1:
            return []
        conditions = list(wanted(where or Filter()))
        if not all(conditions):
            return []
        query = np.asarray(vector, dtype=np.float32).tobytes()
        with self._lock, engine_errors("cannot search the store"):
            heads = self._open_heads()

            def nearest(limit: int) -> list[Candidate]:
                request = nearest_request(query, limit, conditions, self._settings.ef)
                found = gather([part.serving.nearest(request) for part in self._partitions])
                return list(islice(merge(*found, key=lambda candidate: -candidate.score), limit))

            return visible_hits(nearest, heads.read, k, still=True, where=where)

    def document(self, document_id: str) -> tuple[Head, list[ChunkPoint]] | None:
        with self._lock, engine_errors("cannot read a document"):
            head = self._open_heads().read([document_id]).get(document_id)
            if head is None:
                return None
            if head.deleted:
                return head, []
            return head, self._partitions[self._place(document_id)].serving.of_document(document_id, head.version)

    def scan(self, after: str | None, limit: int) -> list[Head]:
        with self._lock, engine_errors("cannot list documents"):
            return self._open_heads().scan(after, limit)

    def stats(self) -> StoreStats:
        with self._lock, engine_errors("cannot count"):
            heads = self._open_heads()
            counts = gather([partition.serving.counts() for partition in self._partitions])
            documents, tombstones = gather([heads.count(LIVE), heads.count(DELETED)])
        chunks, indexed = (sum(column) for column in zip(*counts, strict=True))
        return StoreStats(documents, tombstones, chunks, indexed, disk_bytes(self._root))

    def close(self) -> None:
        """Flush and release the folder, ending a build that runs. Safe to call twice."""
        if self._indexer is not None:
            self._indexer.stop()
        if self._checkpoints is not None:
            self._checkpoints.stop()
        with self._lock:
            self._release()
            self._owner.release()

    def _release(self) -> None:
        shards: list[ShardClient] = [shard for partition in self._partitions for shard in partition.shards]
        if self._heads is not None:
            shards.append(self._heads)
        self._partitions, self._heads, self._info = [], None, None
        try:
            with engine_errors("cannot close the store"):
                close_all(shards)
        finally:
            if self._starter is not None:
                self._starter.shutdown()
                self._starter = None

    def _open_heads(self) -> Heads:
        if self._heads is None:
            raise UnavailableError("the store is not open", str(self._root), "call open first")
        return self._heads

    def _place(self, document_id: str) -> int:
        return zlib.crc32(document_id.encode("utf-8")) % max(1, len(self._partitions))

    def _row(self, chunk: ChunkPoint) -> PointRow:
        if self._info is None:
            raise UnavailableError("the store is not open", str(self._root), "call open first")
        if chunk.vector.shape != (self._info.dimension,):
            expected = f"({self._info.dimension},)"
            raise UsageError(f"a vector of shape {chunk.vector.shape}", f"the collection holds {expected}")
        identity = chunk_id(chunk.document_id, chunk.version, chunk.part, chunk.chunk)
        return identity, np.asarray(chunk.vector, dtype=np.float32).tobytes(), chunk_payload(chunk, self._info)

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
        "use the former model, or embed everything again with `freshet up --rebuild`",
    )

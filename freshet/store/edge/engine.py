"""One engine shard in one folder: making it and loading it. Imported only where an engine runs, never by the store.

What the engine (qdrant-edge-py 0.9.0) was seen to do:

- Every call holds the GIL from start to end: 1 ms for an upsert of 50, about 1 µs per point for ``load``, seconds for
  ``optimize``. So each shard has a process of its own.
- ``update`` appends the operation to a memory-mapped write-ahead log, then applies it. ``load`` replays the log, so
  kill -9 loses nothing that ``update`` returned from: the pages belong to the kernel. A power loss does, until the log
  is synced, which ``update`` never does.
- ``flush`` syncs the log and every segment and then cuts the log: some 40 syncs, 16 to 25 ms after 4,000 changes on a
  quiet machine; on a busy one each of them waits 4 ms for the CPU, 120 to 210 ms in all. All of it holds the GIL.
  Syncing the log's files through ``os.fsync`` is as durable and lets other threads run.
- ``close`` and the destructor flush.
- A conditional upsert inserts absent points, and ranges compare as float64: 2**53 + 1 equals 2**53.
- The files are sparse and memory-mapped: on a full disk a write is a SIGBUS, no error. So free space is checked before.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from qdrant_edge import (
    Distance,
    EdgeConfig,
    EdgeOptimizersConfig,
    EdgeShard,
    EdgeSparseVectorParams,
    EdgeVectorParams,
    HnswIndexConfig,
    KeywordIndexParams,
    UpdateOperation,
)

from freshet.store.edge.durable import sync_path
from freshet.store.edge.failures import damaged, engine_errors, is_engine_error

_FULL_SCAN_KB = 4_000
"""Filters that leave less than this are answered exactly, without the graph."""
_UNBOUNDED_KB = 2**40


def chunk_config(dimension: int, m: int, ef_construct: int) -> EdgeConfig:
    """Cosine vectors with HNSW; ``optimize`` puts every vector there is into one graph."""
    hnsw = HnswIndexConfig(m=m, ef_construct=ef_construct, full_scan_threshold=_FULL_SCAN_KB)
    optimizers = EdgeOptimizersConfig(
        deleted_threshold=0.1,
        vacuum_min_vector_number=100,
        default_segment_number=1,
        max_segment_size=_UNBOUNDED_KB,
        indexing_threshold=1,
    )
    vectors = EdgeVectorParams(size=dimension, distance=Distance.Cosine)
    return EdgeConfig(vectors=vectors, hnsw_config=hnsw, optimizers=optimizers)


def head_config() -> EdgeConfig:
    """No vectors at all; the engine wants at least one kind declared."""
    return EdgeConfig(sparse_vectors={"none": EdgeSparseVectorParams()})


def create(folder: Path, config: EdgeConfig, keywords: dict[str, KeywordIndexParams]) -> None:
    """Make a shard that is either there whole or not at all, whenever the process dies."""
    unfinished = folder.with_name(folder.name + ".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    with engine_errors(f"cannot create the store in {folder}"):
        unfinished.mkdir(parents=True)
        shard = EdgeShard.create(str(unfinished), config)
        for name, params in keywords.items():
            shard.update(UpdateOperation.create_field_index(name, params))
        shard.close()
        unfinished.rename(folder)
        sync_path(folder.parent)


def load(folder: Path) -> EdgeShard:
    """Open the shard and replay its log. Raises UsageError where the files are damaged."""
    try:
        return EdgeShard.load(str(folder))
    except BaseException as error:
        if not is_engine_error(error):
            raise
        raise damaged(folder, str(error)) from error

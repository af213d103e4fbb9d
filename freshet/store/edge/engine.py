"""One engine shard in one folder: making it, loading it, and its errors in Freshet's terms.

What the engine (qdrant-edge-py 0.9.0) was seen to do:

- Every call holds the GIL from start to end: 1 ms for an upsert of 50, about 1 µs per point for ``load``, seconds for
  ``optimize``. So calls are serial anyway, and a lock around two of them costs no parallelism.
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

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
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

from freshet.errors import FreshetError, UnavailableError, UsageError
from freshet.store.settings import StoreSettings

_FULL_SCAN_KB = 4_000
"""Filters that leave less than this are answered exactly, without the graph."""
_UNBOUNDED_KB = 2**40


def chunk_config(dimension: int, settings: StoreSettings) -> EdgeConfig:
    """Cosine vectors with HNSW; ``optimize`` puts every vector there is into one graph."""
    hnsw = HnswIndexConfig(m=settings.m, ef_construct=settings.ef_construct, full_scan_threshold=_FULL_SCAN_KB)
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
        sync_folder(folder.parent)


def load(folder: Path) -> EdgeShard:
    """Open the shard and replay its log. Raises UsageError where the files are damaged."""
    try:
        return EdgeShard.load(str(folder))
    except BaseException as error:
        if not _is_engine_error(error):
            raise
        raise damaged(folder, str(error)) from error


def sync_log(folder: Path) -> None:
    """Return when the shard's log would survive a power loss. Other threads run meanwhile."""
    log = folder / "wal"
    for name in os.listdir(log):
        try:
            handle = os.open(log / name, os.O_RDONLY)
        except FileNotFoundError:
            continue  # the engine has renamed or cut it; what it held is in the files that remain
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    sync_folder(log)


def sync_files(folder: Path) -> None:
    """Write out all of the shard's files. Other threads run meanwhile, and a flush right after has little to do."""
    for entry in folder.iterdir():
        if entry.is_dir():
            sync_files(entry)
        else:
            sync_folder(entry)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def damaged(folder: Path, detail: str) -> UsageError:
    return UsageError(
        f"the store in {folder} is damaged",
        detail.splitlines()[0] if detail else "",
        "move the folder away and replay the topic from its beginning: every vector is still there",
    )


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Engine and operating-system errors as UnavailableError or, where a person must act, UsageError."""
    try:
        yield
    except FreshetError:
        raise
    except PermissionError as error:
        raise UsageError(what, str(error), "give this user write permission on the folder, or name another") from error
    except OSError as error:
        raise UnavailableError(what, str(error), "free disk space or mend the disk; it is tried again") from error
    except BaseException as error:
        if not _is_engine_error(error):
            raise
        raise UnavailableError(what, str(error).split("\n", 1)[0]) from error


def _is_engine_error(error: BaseException) -> bool:
    """The engine raises plain Exception, and PanicException, a BaseException of its own, for what it never expected."""
    return type(error) is Exception or type(error).__name__ == "PanicException"

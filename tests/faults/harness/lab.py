"""One running stack for many faults, and what all of them share."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from freshet.chunking import Chunker
from freshet.chunking.parts import parts
from freshet.embedding.load import load_embedder
from freshet.settings import KafkaSettings, model_settings
from freshet.stack.local import LocalStack
from freshet.stack.process import free_port
from freshet.stack.running import started
from freshet.stack.settings import StackSettings, StoreKind
from tests.faults.harness.keeper import Keeper

SEED = "FRESHET_FAULTS_SEED"


def chosen_seed() -> int:
    """From FRESHET_FAULTS_SEED, else random."""
    return int(os.environ.get(SEED) or random.SystemRandom().randrange(2**31))


class Lab:
    """A stack, the model that it embeds with, and the texts that its cache may know."""

    def __init__(self, stack: LocalStack, seed: int) -> None:
        self.stack = stack
        self.seed = seed
        self.keeper = Keeper(stack)
        """Brings back what dies, once a trial has begun."""
        self.kafka = KafkaSettings(bootstrap=stack.bootstrap)
        self._chunker = Chunker.of(load_embedder(model_settings()))
        self._chunks: dict[str, list[str]] = {}
        self._known: set[str] = set()

    @property
    def metrics_url(self) -> str:
        return f"http://127.0.0.1:{self.stack.metrics_ports.job}/metrics"

    def chunks_of(self, text: str) -> list[str]:
        """As the pipeline cuts it: into parts, and these into chunks."""
        if text not in self._chunks:
            cut = [chunk for part, _ in parts([text]) for chunk in self._chunker.chunks(part)]
            self._chunks[text] = cut
        return self._chunks[text]

    def new_chunks(self, texts: list[str]) -> int:
        """How many distinct chunks these have that were in no text given before."""
        distinct = {chunk for text in texts for chunk in self.chunks_of(text)}
        new = distinct - self._known
        self._known |= new
        self._chunks.clear()
        return len(new)

    def drop(self) -> None:
        """End the stack, whatever state it is in, and remove what it stored; its logs stay."""
        self.keeper.stop()
        self.stack.abort()
        for folder in self.stack.state.iterdir():
            if folder.is_dir() and folder.name != "logs":
                shutil.rmtree(folder, ignore_errors=True)


def start_stack(
    state: Path,
    store: StoreKind = "edge",
    brokers: int = 1,
    before: Callable[[LocalStack], None] = lambda stack: None,
    **environment: str,
) -> LocalStack:
    """A whole stack on free ports. Blocks until changes flow; on an error nothing is left running.

    ``before`` is called when all ports are known and nothing runs. A TCP proxy may take its place before the broker.
    """
    settings = StackSettings(
        state=state,
        search_port=free_port(),
        environment=tuple(environment.items()),
        store=store,
        brokers=brokers,
        kafka_proxy_port=free_port(),
    )
    return started(settings, before)

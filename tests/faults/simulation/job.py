"""The Flink job around the real Ingestion: reads, emits, takes checkpoints, and starts again from the last one."""

from __future__ import annotations

from collections.abc import Callable

from flink_jobs.guard import VersionGuard
from flink_jobs.ingestion import Embedded, Ingestion
from freshet.dead_letters import DeadLetter
from tests.faults.harness.checker import Place
from tests.faults.simulation.chance import Chance
from tests.faults.simulation.double import DoubleEmbedder, SeparatorChunker
from tests.faults.simulation.kafka import Record, Topic

MakeIngestion = Callable[[DoubleEmbedder, VersionGuard], Ingestion]
MakeGuard = Callable[[], VersionGuard]


def real_ingestion(embedder: DoubleEmbedder, guard: VersionGuard) -> Ingestion:
    return Ingestion(embedder, SeparatorChunker(), guard, clock=lambda: 0)


class Job:
    """One subtask. What it emitted before it died stays emitted: the sink is at-least-once."""

    def __init__(
        self,
        documents: Topic,
        embeddings: Topic,
        letters: list[DeadLetter],
        chance: Chance,
        trace: Callable[[str], None],
        make_ingestion: MakeIngestion,
        make_guard: MakeGuard,
    ) -> None:
        self._documents, self._embeddings, self._letters = documents, embeddings, letters
        self._chance, self._trace = chance, trace
        self._make_ingestion, self._make_guard = make_ingestion, make_guard
        self._positions = dict.fromkeys(range(len(documents.partitions)), 0)
        self._checkpoint = dict(self._positions)
        self.away = chance.one_of((0.0, 0.05, 0.2))
        """How often the model does not answer."""
        self.dies = chance.one_of((0.0, 0.0, 0.03))
        """How often the job dies after one record that it emitted."""
        self.dropped: set[Place] = set()
        """Changes that it found out of date."""
        self._start()

    @property
    def behind(self) -> bool:
        return any(self._positions[p] < len(log) for p, log in enumerate(self._documents.partitions))

    def checkpoint(self) -> None:
        self._checkpoint = dict(self._positions)

    def restart(self) -> None:
        """As Flink does it: from the last checkpoint, with nothing left in memory."""
        self._trace(f"job restarts from {self._checkpoint}")
        self._positions = dict(self._checkpoint)
        self._start()

    def step(self) -> None:
        """One record of one partition."""
        waiting = [p for p, log in enumerate(self._documents.partitions) if self._positions[p] < len(log)]
        if not waiting:
            return
        partition = self._chance.one_of(waiting)
        offset = self._positions[partition]
        record = self._documents.partitions[partition][offset]
        emitted = 0
        try:
            for out in self._ingestion.process(record.key, record.value):
                emitted += 1
                if isinstance(out, Embedded):
                    self._embeddings.append(Record(out.key, out.value, record.place))
                else:
                    self._letters.append(_letter(record, self._documents.name, partition, offset, out.reason))
                if self._chance.happens(self.dies):
                    self._trace(f"job dies after output {emitted} of {partition}@{offset}")
                    self.restart()
                    return
        except Exception as error:
            self._trace(f"job fails on {partition}@{offset}: {error!r}")
            self.restart()
            return
        self._trace(f"job read {partition}@{offset} {record.place}: {emitted} out")
        self._positions[partition] += 1
        if not emitted and record.place is not None:
            self.dropped.add(record.place)

    def _start(self) -> None:
        embedder = DoubleEmbedder(lambda: self._chance.happens(self.away))
        self._ingestion = self._make_ingestion(embedder, self._make_guard())


def _letter(record: Record, topic: str, partition: int, offset: int, reason: str) -> DeadLetter:
    return DeadLetter(
        key=record.key,
        value=record.value,
        stage="flink-job",
        reason=reason,
        topic=topic,
        partition=partition,
        offset=offset,
    )

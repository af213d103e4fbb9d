"""One history: the load, the processes and the faults, in an order that one seed decides; and the verdict on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from freshet.dead_letters import DeadLetter
from tests.faults.harness.checker import Finding, Kind, ObservedChunk, ObservedDocument, Place, check, check_vectors
from tests.faults.harness.ledger import Expectation, Ledger
from tests.faults.simulation import member
from tests.faults.simulation.access import Outage
from tests.faults.simulation.chance import Chance, no_faults
from tests.faults.simulation.clock import SECOND, SimulatedClock
from tests.faults.simulation.double import COLLECTION, chunks_of, vector_of
from tests.faults.simulation.job import Job
from tests.faults.simulation.kafka import Group, Topic
from tests.faults.simulation.load import load
from tests.faults.simulation.process import Process
from tests.faults.simulation.store import SimulatedStore
from tests.faults.simulation.system import System
from tests.faults.simulation.watch import Watch

PARTITIONS = 3
MOST_TURNS = 20_000
"""After so many a history that is not quiet counts as stuck."""


@dataclass(slots=True)
class Outcome:
    """What came of one seed. ``events``: turns until it ended, or until the first violation."""

    seed: int
    events: int = 0
    records: int = 0
    findings: list[Finding] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)


def run(seed: int, system: System | None = None, *, tracing: bool = False, watched: bool = True) -> Outcome:
    """Live through one history. Deterministic: the same seed and code give the same outcome and trace.

    Unless ``watched``, only the end of it is judged, and not what happened on the way or in a replay.
    """
    world = World(seed, system or System(), tracing, watched)
    world.live()
    return world.outcome


class World:
    def __init__(self, seed: int, system: System, tracing: bool, watched: bool = True) -> None:
        self.outcome = Outcome(seed)
        self._watched = watched
        self._system, self._tracing = system, tracing
        self._chance = Chance(seed)
        self._clock = SimulatedClock()
        self._server = self._chance.happens(0.7)
        self._store = SimulatedStore(self._clock, durability_lag_s=1.0 if self._server else 0.0)
        self._store.open(COLLECTION)
        self._outage = Outage()
        self._letters: list[DeadLetter] = []
        self._documents, self._embeddings = Topic("documents", PARTITIONS), Topic("vector-embeddings", PARTITIONS)
        self._watch = Watch(self._store, self._embeddings, self._letters)
        self._group = Group(self._embeddings, self._clock, self._watch.committed)
        self._ledger = Ledger()
        through_job = self._chance.happens(0.5)
        self._sendings = load(self._chance, through_job=through_job)
        self._sendings.reverse()
        self._intake = self._documents if through_job else self._embeddings
        self._job = self._make_job() if through_job else None
        self._rates = self._chance.rates()
        self._pause = self._chance.one_of((0.0, 0.0, 1.0))
        """Seconds between records at most: some loads last longer than a frozen process sleeps."""
        self._processes: list[Process] = []
        self._born = 0
        self._dark_at = 0

    def live(self) -> None:
        """The whole history: load and faults, then calm, then the verdict."""
        with self._ending():
            self._populate()
            turns = [self._turn, self._turn, self._turn, self._turn, self._feed, self._feed, self._look, self._mishap]
            turns += [self._work, self._work, self._work] if self._job else []
            calm = 0
            while calm < 40 and not self._broken():
                self.outcome.events += 1
                self._chance.one_of(turns)()
                self._revive()
                calm += not self._sendings
            self._drain()
            if not self._broken():
                self._judge()
                self._replay()
        self.outcome.records = len(self._intake)

    @contextmanager
    def _ending(self) -> Iterator[None]:
        try:
            yield
        finally:
            for process in self._processes:
                process.kill()
            if self._watched:
                self.outcome.findings += self._watch.findings

    def _broken(self) -> bool:
        return bool(self.outcome.findings or (self._watched and self._watch.findings))

    def _trace(self, message: str) -> None:
        if self._tracing:
            seconds = (self._clock.now % (1_000_000 * SECOND)) / SECOND
            self.outcome.trace.append(f"{self.outcome.events:5d} {seconds:10.3f} {message}")

    def _make_job(self) -> Job:
        system = self._system
        return Job(
            self._documents,
            self._embeddings,
            self._letters,
            self._chance,
            self._trace,
            system.ingestion,
            system.guard,
        )

    def _populate(self) -> None:
        for _ in range(self._chance.between(1, 3) if self._server else 1):
            self._bear(self._group)

    def _bear(self, group: Group) -> None:
        self._born += 1
        process = Process(f"consumer-{self._born}", self._clock, self._chance, self._rates, self._trace)
        member.start(self._system, group, self._store, self._outage, self._letters, process)
        self._processes.append(process)
        self._trace(f"{process.name} starts")

    def _turn(self) -> None:
        """One process goes on; where all sleep, time passes to the first that wakes."""
        self._group.expire()
        ready = [process for process in self._processes if process.ready]
        if not ready:
            self._clock.now = min(process.wakes_at for process in self._processes if not process.ended)
            ready = [process for process in self._processes if process.ready]
        self._chance.one_of(ready).resume()

    def _revive(self) -> None:
        """A process that died is started again. One that failed by itself is a violation."""
        for process in [one for one in self._processes if one.ended]:
            self._processes.remove(process)
            if process.failure is not None:
                self.outcome.findings.append(Finding(Kind.LOST, process.name, f"it ended by {process.failure!r}"))
                return
            self._bear(self._group)

    def _feed(self) -> None:
        most = 8
        if self._pause:
            self._clock.advance(self._chance.seconds(0, self._pause))
            most = 3
        for _ in range(min(self._chance.between(1, most), len(self._sendings))):
            sending = self._sendings.pop()
            self._ledger.sent(sending.change)
            if sending.acknowledged:
                self._ledger.acknowledged(sending.change)
            elif self._chance.happens(0.5):
                continue
            self._intake.append(sending.record)
            self._trace(f"sent {sending.record.place}")

    def _look(self) -> None:
        self._watch.search()

    def _work(self) -> None:
        assert self._job is not None
        self._job.step()
        if self._chance.happens(0.05):
            self._job.checkpoint()

    def _mishap(self) -> None:
        if self._chance.happens(0.6):
            return
        mishaps: list[Callable[[], None]] = [
            self._kill_one,
            self._lose_power,
            self._go_down,
            self._fill_disk,
            self._set_clock,
        ]
        if self._server:
            mishaps += [self._join, self._part, self._reshuffle, self._reshuffle]
        if self._job:
            mishaps += [self._job.restart]
        self._chance.one_of(mishaps)()

    def _kill_one(self) -> None:
        process = self._chance.one_of(self._processes)
        self._trace(f"{process.name} is killed")
        process.kill()

    def _lose_power(self) -> None:
        """Of the store; an embedded one takes its process with it, the consumers of a server may live on."""
        if self._clock.now - self._dark_at < 5 * SECOND:
            return
        self._dark_at = self._clock.now
        lost = self._store.lose_power(self._chance.one_of((0.0, 0.5, 1.0)))
        self._trace(f"the store loses power and {lost} operations")
        self._watch.power_lost()
        self._outage.restarts += 1
        self._outage.down_until = self._clock.now + int(self._chance.seconds(0, 1) * SECOND)
        if not self._server or self._chance.happens(0.3):
            for process in self._processes:
                process.kill()

    def _go_down(self) -> None:
        self._outage.down_until = self._clock.now + int(self._chance.seconds(0.1, 5) * SECOND)
        self._trace("the store is down for a while")

    def _fill_disk(self) -> None:
        self._outage.full_until = self._clock.now + int(self._chance.seconds(0.1, 2) * SECOND)
        self._trace("the disk is full for a while")

    def _set_clock(self) -> None:
        process = self._chance.one_of(self._processes)
        process.skew = self._chance.one_of((-3600.0, 0.0, 3600.0))
        self._trace(f"the clock of {process.name} is set to {process.skew:+.0f} s")

    def _join(self) -> None:
        if len(self._processes) < 4:
            self._bear(self._group)

    def _part(self) -> None:
        if len(self._processes) > 1:
            process = self._chance.one_of(self._processes)
            self._trace(f"{process.name} leaves for good")
            process.kill()
            self._processes.remove(process)

    def _reshuffle(self) -> None:
        self._group.reshuffle(self._chance.between(1, 5))
        self._trace("the group is rebalanced")

    def _drain(self) -> None:
        """No faults any more, but what is frozen still wakes when its time comes."""
        self._trace("calm")
        self._outage.down_until = self._outage.full_until = 0
        self._rates = no_faults()
        for process in self._processes:
            process.rates = self._rates
        if self._job:
            self._job.away = self._job.dies = 0.0
        start = self._clock.now
        quiet_since = 0
        while not self._broken():
            self.outcome.events += 1
            if self._job and self._job.behind:
                self._job.step()
            self._turn()
            self._revive()
            behind = (self._job is not None and self._job.behind) or self._group.lag() > 0
            frozen = any(process.wakes_at > self._clock.now + SECOND // 2 for process in self._processes)
            quiet_since = quiet_since + 1 if not behind and not frozen else 0
            if quiet_since > 3 * len(self._processes):
                break
            if self.outcome.events > MOST_TURNS or self._clock.now - start > 3600 * SECOND:
                self.outcome.findings.append(
                    Finding(Kind.LOST, "-", f"never quiet: {self._group.lag()} records are not committed")
                )
        self._look()

    def _judge(self) -> None:
        observed = self._observed()
        self.outcome.findings += check(self._expected(), observed, self._dead(self._letters), chunks_of)
        self.outcome.findings += check_vectors(observed, lambda texts: [vector_of(text) for text in texts])

    def _observed(self) -> dict[str, ObservedDocument]:
        observed: dict[str, ObservedDocument] = {}
        for head in self._store.scan(None, 1_000_000):
            found = self._store.document(head.document_id)
            chunks = found[1] if found else []
            observed[head.document_id] = ObservedDocument(
                head.version,
                head.deleted,
                [ObservedChunk(one.version, one.part, one.chunk, one.text, one.vector) for one in chunks],
            )
        return observed

    def _expected(self) -> dict[str, Expectation]:
        """The ledger's, without what the job dropped for a newer version that the consumer then could not write.

        Such a version was replaced, as far as the job could know. One that the job itself refused replaces nothing.
        """
        refused = self._dead([one for one in self._letters if one.topic == self._embeddings.name])
        expected = self._ledger.expectations()
        for name, version in self._job.dropped if self._job else ():
            if any(name == other and newer > version for other, newer in refused):
                one = expected[name]
                expected[name] = replace(
                    one,
                    acknowledged=tuple(change for change in one.acknowledged if change.version != version),
                    unknown=one.unknown + tuple(change for change in one.acknowledged if change.version == version),
                )
        return expected

    def _dead(self, letters: Sequence[DeadLetter]) -> set[Place]:
        topics = {topic.name: topic for topic in (self._documents, self._embeddings)}
        places = (topics[one.topic].partitions[one.partition][one.offset].place for one in letters)
        return {place for place in places if place is not None}

    def _replay(self) -> None:
        """A new group reads everything from the start, and changes nothing that anybody can find."""
        if self._broken() or not self._watched:
            return
        for process in self._processes:
            process.kill()
        self._processes.clear()
        before = self._store.dump()
        again = Group(self._embeddings, self._clock, lambda partition, offset: None)
        self._bear(again)
        process = self._processes[0]
        process.rates = no_faults()
        for _ in range(MOST_TURNS):
            if again.lag() == 0 or process.ended:
                break
            self._clock.now = max(self._clock.now, process.wakes_at)
            process.resume()
        if again.lag():
            self.outcome.findings.append(Finding(Kind.LOST, "-", f"a replay never ends: {process.failure!r}"))
        heads, chunks = self._store.dump()
        changed = sorted(name for name in heads if heads[name] != before[0].get(name))
        # It may sweep what a frozen member wrote of a version that others had replaced meanwhile: nobody finds that.
        missed = [place for place in before[1] - chunks if place[1] >= heads[place[0]].version]
        if changed or missed or chunks - before[1]:
            detail = f"a replay changed heads {changed}, removed {len(missed)} chunks, added {len(chunks - before[1])}"
            self.outcome.findings.append(Finding(Kind.BACKWARDS, "-", detail))

"""One fault on the way from PostgreSQL to search: set up under load, break, verify."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from freshet.errors import FreshetError
from freshet.stack.capture import ChangeCapture
from freshet.stack.local import LocalStack
from freshet.stack.postgres import PostgresServer
from freshet.stack.process import ProcessFailed, free_port, wait_until
from freshet.stack.settings import StackSettings
from producers.cdc.capture import Capture, CapturedTable
from producers.cdc.captures import Captures
from producers.cdc.database import Database
from producers.cdc.progress import Progress
from producers.cdc.registration import Registration
from tests.faults.harness.api import Api, Down, observed_chunks
from tests.faults.harness.cdc_writer import SCHEMA, CdcWriter, Mix
from tests.faults.harness.checker import Finding, Kind, ObservedDocument, check
from tests.faults.harness.keeper import all_runs
from tests.faults.harness.lab import Lab
from tests.faults.harness.ledger import Change, Expectation, Ledger
from tests.faults.harness.observed import dead_letters
from tests.faults.harness.verdict import Verdict

NAME = "faults"
TABLE = CapturedTable(table="public.notes", key=("id",), text="{{body}}", metadata=("seq",))
WRITERS = 3
START_SECONDS = 60.0
QUIET_SECONDS = 150.0
SETTLE_SECONDS = 10.0
CANARY_SECONDS = 0.1
CANARIES = 5


class CdcLab:
    """A whole stack with a captured PostgreSQL, and the product's supervisor."""

    def __init__(self, folder: Path, seed: int) -> None:
        """``folder`` is one that PostgreSQL's user may enter."""
        self.folder = folder
        settings = StackSettings(
            state=folder,
            search_port=free_port(),
            postgres=True,
            postgres_port=free_port(),
            kafka_proxy_port=free_port(),
        )
        stack = LocalStack(settings)
        try:
            stack.prepare(lambda step, share: None)
            stack.start(lambda step, share: None)
            self.lab = Lab(stack, seed)
        except BaseException:
            stack.abort()
            raise
        self.stack = stack
        self.capture = Capture(name=NAME, url=self.postgres.url, tables=(TABLE,))
        self.captures = Captures(self.folder / "cdc" / "captures")
        self.registration = Registration(self.captures, self.cdc.connect.url)
        with Database(self.capture) as database:
            database.run(SCHEMA)
        self.registration.add(self.capture)
        self.capture = self.captures.read(NAME)
        # Else what a fault commits might be read once more as a row that was there before.
        wait_until(self._read, "the empty table is read", START_SECONDS, self.cdc.processes)

    def _read(self) -> bool:
        return Progress(self.folder / "cdc").of(self.capture, TABLE).done

    @property
    def cdc(self) -> ChangeCapture:
        assert self.stack.capture is not None
        return self.stack.capture

    @property
    def postgres(self) -> PostgresServer:
        assert self.cdc.postgres is not None
        return self.cdc.postgres


class CdcTrial:
    """``with under_load(): …; breaks(…)`` and then ``verify()``."""

    def __init__(self, lab: CdcLab, fault: str, seed: int, record: Callable[[Verdict], None]) -> None:
        self.lab = lab
        self.stack = lab.stack
        self.cdc = lab.cdc
        self.postgres = lab.postgres
        self.fault = fault
        self.seed = seed
        self.prefix = f"{fault.replace(' ', '-')}-{seed}"
        self.ledger = Ledger()
        self._record = record
        self._started = time.monotonic()
        self._broken: float | None = None
        self._canary: _Canary | None = None
        self._writers: list[CdcWriter] = []
        lab.lab.keeper.begin()
        self._dead_before = max((one.offset for one in dead_letters(lab.lab.kafka)), default=-1)

    @contextmanager
    def under_load(self, rate: float = 60.0, documents: int = 60, mix: Mix | None = None) -> Iterator[None]:
        """``rate`` transactions a second; behind the block they go on until everything runs again."""
        self._writers = [
            CdcWriter(self.lab.capture, self.ledger, self.prefix, self.seed + number, rate / WRITERS, documents, mix)
            for number in range(WRITERS)
        ]
        self._canary = _Canary(self.lab, self.ledger, self.prefix)
        threads: tuple[CdcWriter | _Canary, ...] = (*self._writers, self._canary)
        for one in threads:
            one.start()
        try:
            self.wait_changes(100)
            yield
            wait_until(lambda: all_runs(self.stack), "everything runs again", QUIET_SECONDS)
            since, canary = time.monotonic(), self._canary
            wait_until(lambda: canary.found_since(since) >= CANARIES, "new rows are found again", QUIET_SECONDS)
        finally:
            for one in threads:
                one.stop()

    def wait_changes(self, more: int) -> None:
        """Block until so many further changes are committed."""
        wanted = len(self.ledger) + more
        wait_until(lambda: self._changes() >= wanted, f"{more} more changes are committed", START_SECONDS)

    def breaks(self, action: Callable[[], object]) -> None:
        """Note the moment, then do it."""
        self._broken = time.monotonic()
        action()

    def database(self) -> Database:
        return Database(self.lab.capture)

    def upsert(self, database: Database, name: str, body: str) -> Change:
        """One row in a transaction of its own, in the ledger too."""
        found = database.run(
            """INSERT INTO notes (id, seq, body) VALUES (:name, nextval('note_changes'), :body)
               ON CONFLICT (id) DO UPDATE SET seq = nextval('note_changes'), body = excluded.body RETURNING seq""",
            name=f"{self.prefix}-{name}",
            body=body,
        )
        change = Change(self.id(name), found[0][0], "upsert", body)
        self.ledger.sent(change)
        self.ledger.acknowledged(change)
        return change

    def delete(self, database: Database, name: str) -> None:
        database.run("DELETE FROM notes WHERE id = :name", name=f"{self.prefix}-{name}")
        change = Change(self.id(name), database.one("SELECT nextval('note_changes')"), "delete")
        self.ledger.sent(change)
        self.ledger.acknowledged(change)

    def id(self, name: str) -> str:
        return f"{NAME}/public.notes/{self.prefix}-{name}"

    def wait_found(self, change: Change, seconds: float = QUIET_SECONDS) -> None:
        """Block until the index shows this state of the row, or a later one."""
        with closing(Api(self.stack.search_url)) as api:

            def found() -> bool:
                try:
                    seen = _row(api, change.document_id)
                except Down:
                    return False
                return seen is not None and seen.version >= change.version

            try:
                wait_until(found, f"{change.document_id} is found", seconds)
            except ProcessFailed as error:
                logs = "\n".join(f"--- {process.name}\n{process.tail(12)}" for process in self.cdc.processes)
                raise AssertionError(f"{error.what}\n{logs}") from error

    def quiet(self) -> None:
        """Block until everything committed before is searchable."""
        wait_until(lambda: all_runs(self.stack), "everything runs again", QUIET_SECONDS)
        with self.database() as database:
            fence = self.upsert(database, "fence", f"the end of {self.prefix}")
        self.wait_found(fence)
        wait_until(lambda: self.stack.backlog() == 0, "nothing waits", QUIET_SECONDS)

    def verify(self, dead: int = 0) -> Verdict:
        """Wait until all is quiet, compare, note the row, raise AssertionError for any finding.

        ``dead`` is how many dead letters there may be.
        """
        self.quiet()
        findings = self._findings()
        deadline = time.monotonic() + SETTLE_SECONDS
        while findings and time.monotonic() < deadline:
            threading.Event().wait(0.5)
            findings = self._findings()
        letters = dead_letters(self.lab.lab.kafka, self._dead_before)
        if len(letters) > dead:
            reasons = {one.letter.reason for one in letters}
            findings.append(Finding(Kind.LOST, self.prefix, f"{len(letters)} dead letters: {reasons}"))
        verdict = Verdict(
            fault=f"cdc {self.fault}",
            seed=self.seed,
            events=len(self.ledger),
            in_flight=0,
            findings=tuple(findings),
            duplicate_work=None,
            gap=self._canary.gap(self._broken) if self._canary is not None and self._broken is not None else None,
            recovery=None,
            duration=time.monotonic() - self._started,
        )
        self._record(verdict)
        verdict.assert_clean()
        return verdict

    def _findings(self) -> list[Finding]:
        expected = self.ledger.expectations()
        observed = self._observed(expected)
        return check(expected, observed, (), self.lab.lab.chunks_of)

    def _observed(self, expected: Mapping[str, Expectation]) -> dict[str, ObservedDocument]:
        """With the row's own number as version: a deleted document has none, and is as new as its row's last change."""
        begins = f"{NAME}/public.notes/{self.prefix}-"
        observed: dict[str, ObservedDocument] = {}
        with closing(Api(self.stack.search_url)) as api:
            for one in [one for one in api.documents() if one.document_id.startswith(begins)]:
                if one.deleted:
                    seq = _last_seq(expected.get(one.document_id))
                    observed[one.document_id] = ObservedDocument(seq, True)
                elif (seen := _row(api, one.document_id)) is not None:
                    observed[one.document_id] = seen
        return observed

    def _changes(self) -> int:
        for writer in self._writers:
            writer.check()
        return len(self.ledger)


class _Canary:
    """Commits a small row every so often, one in flight at a time, and notes when each was found."""

    def __init__(self, lab: CdcLab, ledger: Ledger, prefix: str) -> None:
        self._lab = lab
        self._ledger = ledger
        self._prefix = prefix
        self._stop = threading.Event()
        self.found: list[float] = []
        self._thread = threading.Thread(target=self._run, name="canary", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def found_since(self, since: float) -> int:
        return sum(one >= since for one in self.found)

    def gap(self, since: float) -> float | None:
        """The longest time from then on in which none was found."""
        times = [since, *(one for one in self.found if one >= since)]
        return max((after - before for before, after in itertools.pairwise(times)), default=None)

    def _run(self) -> None:
        number = 0
        with closing(Api(self._lab.stack.search_url)) as api:
            while not self._stop.is_set():
                number += 1
                name = f"{self._prefix}-canary-{number}"
                with suppress(FreshetError), Database(self._lab.capture) as database:
                    self._one(database, api, name)
                self._stop.wait(CANARY_SECONDS)

    def _one(self, database: Database, api: Api, name: str) -> None:
        body = f"canary {name}"
        seq = database.one("SELECT nextval('note_changes')")
        change = Change(f"{NAME}/public.notes/{name}", seq, "upsert", body)
        self._ledger.sent(change)
        database.run("INSERT INTO notes (id, seq, body) VALUES (:name, :seq, :body)", name=name, seq=seq, body=body)
        self._ledger.acknowledged(change)
        while not self._stop.wait(0.01):
            with suppress(Down):
                if _row(api, change.document_id) is not None:
                    self.found.append(time.monotonic())
                    return


def _last_seq(expectation: Expectation | None) -> int:
    """Of what a deleted document's row was told to be."""
    if expectation is None:
        return 0
    last = next((change.version for change in reversed(expectation.acknowledged)), 0)
    return max([last, *(change.version for change in expectation.unknown if change.op == "delete")])


def _row(api: Api, document_id: str) -> ObservedDocument | None:
    """A living document with its row's number as version; None where there is none. Raises Down."""
    body = api.living(document_id)
    if body is None:
        return None
    seq = body["metadata"].get("seq", -1)
    return ObservedDocument(seq, False, observed_chunks(body, seq))

"""The stack that all faults share, the verdicts, and which faults run where."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from freshet.settings import KafkaSettings
from freshet.stack import jars
from freshet.stack.kafka_cluster import KafkaCluster
from freshet.stack.local import LocalStack
from freshet.stack.process import ProcessFailed, free_port
from freshet.stack.qdrant import qdrant_binary
from freshet.stack.settings import StackSettings
from freshet.stack.toxiproxy import Proxy, Toxiproxy, toxiproxy_binary
from freshet.store import StoreSettings
from freshet.store.edge import EdgeStore
from tests.faults.harness.cdc_trial import CdcLab, CdcTrial
from tests.faults.harness.forgetful_proxy import ForgetfulProxy
from tests.faults.harness.hindered_store import HinderedStore
from tests.faults.harness.lab import SEED, Lab, chosen_seed, start_stack
from tests.faults.harness.made_up import MadeUpEmbedder
from tests.faults.harness.members import Members
from tests.faults.harness.members_trial import MembersTrial
from tests.faults.harness.open_folder import open_folder
from tests.faults.harness.report import COLUMNS, write_report
from tests.faults.harness.store_front import StoreFront
from tests.faults.harness.tools import missing
from tests.faults.harness.trial import REPORT, Trial
from tests.faults.harness.verdict import Verdict

HERE = Path(__file__).parent

_verdicts = pytest.StashKey[list[Verdict]]()
_seed = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Unless faults are named on the command line, only those marked ``short`` run."""
    named = [config.invocation_params.dir / argument.split("::")[0] for argument in config.args]
    if any(HERE in (path.resolve(), *path.resolve().parents) for path in named):
        return
    left = [item for item in items if HERE in item.path.parents and item.get_closest_marker("short") is None]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    verdicts = config.stash.get(_verdicts, [])
    for verdict in verdicts:
        row = verdict.row()
        terminalreporter.write_line("  ".join(f"{name} {row[name]}" for name in COLUMNS if name in row))
    if verdicts and (path := os.environ.get(REPORT)):
        write_report(Path(path), [verdict.row() for verdict in verdicts], "make faults")


@pytest.fixture(scope="session")
def faults_seed(pytestconfig: pytest.Config) -> int:
    """Of this run; printed with every verdict."""
    return pytestconfig.stash.setdefault(_seed, chosen_seed())


class Labs:
    """The shared stack, started when first asked for and anew after one could not be mended."""

    def __init__(self, folder: Path, seed: int, start: Callable[[Path], LocalStack] = start_stack) -> None:
        self._start = start
        self._folder = folder
        self._seed = seed
        self._number = 0
        self._lab: Lab | None = None

    def get(self) -> Lab:
        if self._lab is None:
            self._number += 1
            self._lab = Lab(self._start(self._folder / f"state-{self._number}"), self._seed)
        return self._lab

    def drop(self) -> None:
        if self._lab is not None:
            self._lab.drop()
        self._lab = None


@pytest.fixture(scope="package")
def labs(tmp_path_factory: pytest.TempPathFactory, faults_seed: int) -> Iterator[Labs]:
    opened = Labs(tmp_path_factory.mktemp("faults"), faults_seed)
    yield opened
    opened.drop()


@pytest.fixture(scope="session")
def verdicts(pytestconfig: pytest.Config) -> Callable[[Verdict], None]:
    """Takes a verdict into the summary and the table."""
    return pytestconfig.stash.setdefault(_verdicts, []).append


@pytest.fixture
def trial(labs: Labs, verdicts: Callable[[Verdict], None], request: pytest.FixtureRequest) -> Iterator[Trial]:
    """One fault, named after its test, on the shared stack, which is running again and quiet afterwards."""
    with _trial(labs, verdicts, request) as opened:
        yield opened


@contextmanager
def _trial(labs: Labs, verdicts: Callable[[Verdict], None], request: pytest.FixtureRequest) -> Iterator[Trial]:
    lab = labs.get()
    print(f"{SEED}={lab.seed}")  # noqa: T201 - pytest shows it when the test fails
    opened = Trial(lab, _fault(request), verdicts)
    opened.open()
    yield opened
    try:
        opened.close()
    except ProcessFailed:
        with suppress(Exception):
            labs.drop()
        raise


@pytest.fixture(scope="session")
def toxiproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toxiproxy]:
    """A TCP proxy's server. Skips where there is none."""
    if (binary := toxiproxy_binary()) is None:
        missing("toxiproxy", "build it with `make tools`, or name it with TOXIPROXY_BIN")
    server = Toxiproxy(binary, tmp_path_factory.mktemp("toxiproxy") / "toxiproxy.log")
    server.start()
    server.wait_ready()
    yield server
    server.stop()


@pytest.fixture
def kafka_proxy(trial: Trial, toxiproxy: Toxiproxy) -> Iterator[Proxy]:
    """In front of the shared stack's broker, for those who are told its address."""
    broker = trial.stack.broker
    assert broker.behind_proxy is not None
    proxy = toxiproxy.proxy(f"kafka-{trial.prefix}", broker.behind_proxy, broker.proxy_port)
    yield proxy
    proxy.remove()


@pytest.fixture(scope="package")
def store_front(toxiproxy: Toxiproxy) -> StoreFront:
    """Before the Qdrant server of ``server_trial``. Skips where there is none: it is no tool that can be built."""
    if qdrant_binary() is None:
        pytest.skip("QDRANT_BIN names no Qdrant server")
    return StoreFront(toxiproxy)


@pytest.fixture(scope="package")
def server_labs(store_front: StoreFront, tmp_path_factory: pytest.TempPathFactory, faults_seed: int) -> Iterator[Labs]:
    opened = Labs(tmp_path_factory.mktemp("server"), faults_seed, store_front.start)
    yield opened
    opened.drop()


@pytest.fixture
def server_trial(
    server_labs: Labs, verdicts: Callable[[Verdict], None], request: pytest.FixtureRequest
) -> Iterator[Trial]:
    """As ``trial``, on a stack with a Qdrant server: consumer and search are processes of their own."""
    with _trial(server_labs, verdicts, request) as opened:
        yield opened


@pytest.fixture(scope="package")
def cdc_lab(faults_seed: int) -> Iterator[CdcLab]:
    """A stack of its own with a PostgreSQL whose changes are captured."""
    with open_folder("cdc-faults") as folder:
        lab = CdcLab(folder, faults_seed)
        yield lab
        lab.lab.drop()


@pytest.fixture
def cdc(
    cdc_lab: CdcLab, faults_seed: int, verdicts: Callable[[Verdict], None], request: pytest.FixtureRequest
) -> CdcTrial:
    """One fault on the way from PostgreSQL to search."""
    print(f"{SEED}={faults_seed}")  # noqa: T201 - pytest shows it when the test fails
    return CdcTrial(cdc_lab, _fault(request), faults_seed, verdicts)


@pytest.fixture(scope="package")
def small_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    """A broker with the topics, and nothing that reads them."""
    folder = tmp_path_factory.mktemp("small")
    kafka_jars = jars.resolve("kafka", StackSettings(folder).cache / "jars")
    cluster = KafkaCluster(folder / "kafka", kafka_jars, lambda name: folder / f"{name}.log", proxy_port=free_port())
    cluster.start()
    cluster.wait_ready(60)
    cluster.create_topics()
    yield cluster
    cluster.stop()


@pytest.fixture
def small(
    small_cluster: KafkaCluster,
    tmp_path: Path,
    faults_seed: int,
    request: pytest.FixtureRequest,
    verdicts: Callable[[Verdict], None],
) -> Iterator[MembersTrial]:
    """One fault on consumers and search in this process, with the embedded store, whose owner they are together."""
    print(f"{SEED}={faults_seed}")  # noqa: T201 - pytest shows it when the test fails
    kafka = KafkaSettings(bootstrap=small_cluster.bootstrap)
    embedder = MadeUpEmbedder()
    store = HinderedStore(EdgeStore(StoreSettings(path=tmp_path / "store")))
    store.open(embedder.info)
    members = Members(kafka, store, embedder)
    yield MembersTrial(_fault(request), kafka, store, members, embedder, faults_seed, verdicts)
    members.stop()
    store.close()


@pytest.fixture
def forgetful(small_cluster: KafkaCluster) -> Iterator[ForgetfulProxy]:
    """In front of the broker of ``small``, for those who are told its port."""
    broker = small_cluster.brokers[0]
    assert broker.behind_proxy is not None
    assert broker.proxy_port is not None
    proxy = ForgetfulProxy(broker.behind_proxy, broker.proxy_port)
    yield proxy
    proxy.close()


def _fault(request: pytest.FixtureRequest) -> str:
    return re.sub(r"[\W_]+", " ", request.node.name.removeprefix("test_")).strip()

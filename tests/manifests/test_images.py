"""The images, as far as they can be judged without a Docker engine."""

from __future__ import annotations

import fnmatch
import importlib.util
import re
import runpy
import shlex
import subprocess
import sys
import textwrap
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from freshet.stack import jars
from freshet.stack.process import MODEL_PROCESS
from tests.manifests.dockerfile import ROOT, TARGETS, Stage, lineage, stages
from tests.manifests.known_settings import wrong

IMAGES = ROOT / "requirements" / "images"
PYTHON_TARGETS = ("producers", "inference", "consumers", "search")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> Stage:
    return stages()[request.param]


@pytest.fixture(scope="module")
def lists() -> dict[str, Any]:
    """What requirements/images.py says."""
    return runpy.run_path(str(ROOT / "requirements" / "images.py"))


def test_hadolint_finds_nothing() -> None:
    _passes([str(Path(sys.executable).parent / "hadolint"), "Dockerfile"])


def test_every_base_is_named_by_tag_and_digest() -> None:
    every = stages()
    bases = [stage.base for stage in every.values() if stage.base not in every]
    assert bases
    for base in bases:
        assert re.fullmatch(r"[a-z0-9./-]+:[\w.-]+@sha256:[0-9a-f]{64}", base), base
        assert ":latest" not in base


def test_every_target_of_the_manifests_is_a_stage() -> None:
    assert set(TARGETS) <= set(stages())


def test_what_is_copied_exists_and_reaches_the_build() -> None:
    every = stages()
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] not in "#"]
    let_in = {line[1:] for line in patterns if line.startswith("!")}
    for stage in every.values():
        for value in stage.values("COPY"):
            words = shlex.split(value)
            if words[0].startswith("--from="):
                assert words[0].removeprefix("--from=") in every, value
                continue
            for source in words[:-1]:
                assert (ROOT / source).exists(), source
                assert any(fnmatch.fnmatch(Path(source).parts[0], one) for one in let_in), f"{source}: .dockerignore"


def test_each_target_runs_as_a_number_that_is_not_root(target: Stage) -> None:
    user = target.values("USER")[-1]
    assert re.fullmatch(r"[1-9]\d*:\d+", user), user


def test_each_target_says_what_it_is(target: Stage) -> None:
    labels = target.labels()
    names = ("title", "description", "source", "licenses", "version", "revision")
    assert {f"org.opencontainers.image.{name}" for name in names} <= labels.keys()
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert target.name in labels["org.opencontainers.image.title"]


def test_each_variable_is_a_setting_with_a_value_that_fits(target: Stage) -> None:
    assert wrong(target.environment()) == []


def test_a_process_that_computes_embeddings_has_the_environment_of_the_local_one() -> None:
    for name in ("inference", "consumers", "search", "flink-job"):
        assert MODEL_PROCESS.items() <= stages()[name].environment().items(), name


def test_each_target_says_how_its_health_is_seen(target: Stage) -> None:
    assert target.values("HEALTHCHECK")
    if target.name in PYTHON_TARGETS:
        command = target.command("HEALTHCHECK")
        port = re.search(r"127\.0\.0\.1:(\d+)", command[-1])
        assert port is not None
        assert port[1] in target.values("EXPOSE")
        assert port[1] in target.environment().values()
        compile(command[-1], "HEALTHCHECK", "exec")


@pytest.mark.parametrize("name", PYTHON_TARGETS)
def test_the_entry_point_is_a_module_that_can_be_run(name: str) -> None:
    command = stages()[name].command("ENTRYPOINT")
    assert command[:2] == ["python", "-m"]
    found = importlib.util.find_spec(command[2])
    assert found is not None
    if found.submodule_search_locations is not None:
        assert importlib.util.find_spec(f"{command[2]}.__main__") is not None


def test_the_lists_name_all_that_the_modules_import(lists: dict[str, Any]) -> None:
    for name in lists["MODULES"]:
        written = (IMAGES / f"{name}.in").read_text().splitlines()
        absent = set(lists["names"](name)) - set(written)
        assert not absent, f"requirements/images/{name}.in lacks {sorted(absent)}: run `make lock`"


@pytest.mark.parametrize("name", ["build", *PYTHON_TARGETS, "flink-job"])
def test_an_image_installs_the_versions_of_the_lock_with_its_hashes(name: str) -> None:
    locked = _blocks(ROOT / "requirements" / "lock.txt")
    own = _blocks(IMAGES / f"{name}.txt")
    assert own
    for pin, hashes in own.items():
        assert hashes, pin
        assert hashes == locked.get(pin), f"{pin} differs from requirements/lock.txt: run `make lock`"


@pytest.mark.parametrize("name", [*PYTHON_TARGETS, "flink-job"])
def test_a_target_needs_no_package_that_it_does_not_install(name: str, lists: dict[str, Any]) -> None:
    """Its modules are imported where every other distribution is hidden."""
    allowed = _closure(lists["names"](name))
    script = textwrap.dedent(
        """
        import importlib, sys
        from importlib.metadata import packages_distributions
        allowed, modules = set(sys.argv[1].split()), sys.argv[2:]
        known = packages_distributions()
        hidden = {package for package, owners in known.items()
                  if not {owner.lower().replace("_", "-").replace(".", "-") for owner in owners} & allowed}

        class Hide:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in hidden:
                    raise ModuleNotFoundError(f"{name} is not in this image", name=name)

        sys.meta_path.insert(0, Hide())
        for module in modules:
            importlib.import_module(module)
        """
    )
    modules = [module for module in lists["MODULES"][name] if not module.endswith("__main__")]
    # What a __main__ runs stands in the module `main` beside it, where it does not stand in itself.
    beside = (module.replace(".__main__", ".main") for module in lists["MODULES"][name] if module.endswith("__main__"))
    main = [module for module in beside if importlib.util.find_spec(module) is not None]
    _passes([sys.executable, "-c", script, " ".join(allowed | {"freshet"}), *modules, *main])


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "freshet.host", "--help"],
        ["-m", "freshet.cli.main", "publish", "--help"],
        ["-m", "freshet.cli.main", "store", "create", "--help"],
    ],
    ids=" ".join,
)
def test_a_command_of_an_image_prints_its_help(command: list[str]) -> None:
    shown = _passes([sys.executable, *command]) if "cli" not in command[1] else _help(command[2:-1])
    assert "sage" in shown


def test_the_job_has_the_jars_that_the_local_stack_pins() -> None:
    build = " ".join(stages()["build"].values("RUN"))
    sets = re.search(r"for set in ([a-z -]+); do", build)
    assert sets is not None
    for name in sets[1].split():
        assert jars.pinned(name)
    copied = " ".join(stages()["flink-job"].values("COPY"))
    assert {f"/jars/{name}/" for name in ("flink", "flink-model")} <= set(copied.split())
    assert "/jars/debezium/" in " ".join(stages()["connect"].values("COPY"))


def test_flink_of_the_base_is_the_flink_of_the_lock() -> None:
    pinned = dict(PIN.findall((IMAGES / "flink-job.txt").read_text()))["apache-flink"]
    base = list(lineage("flink-job"))[-1].base
    assert base.startswith(f"flink:{pinned}-")
    assert all(f"-{pinned}.jar" in jar for jar in re.findall(r"/flink-[\w-]+-[\d.]+\.jar", _runs("flink-job")))


def test_kafka_of_connect_is_the_kafka_of_the_local_stack() -> None:
    broker = next(jar.version for jar in jars.pinned("kafka") if jar.artifact == "kafka_2.13")
    assert f"-kafka-{broker}@" in list(lineage("connect"))[-1].base


def _runs(name: str) -> str:
    return " ".join(stages()[name].values("RUN"))


def _help(arguments: list[str]) -> str:
    return _passes([str(Path(sys.executable).parent / "freshet"), *arguments, "--help"])


def _blocks(path: Path) -> dict[str, frozenset[str]]:
    """Hashes by name==version."""
    found: dict[str, frozenset[str]] = {}
    for block in re.split(r"\n(?=\S)", path.read_text()):
        if (pin := PIN.match(block)) is not None:
            found[f"{pin[1]}=={pin[2]}"] = frozenset(re.findall(r"--hash=(\S+)", block))
    return found


def _closure(names: list[str]) -> set[str]:
    """These distributions and what they need here."""
    found: set[str] = set()
    waiting = [(name, frozenset[str]()) for name in names]
    while waiting:
        name, extras = waiting.pop()
        name = canonicalize_name(name)
        if name in found and not extras:
            continue
        found.add(name)
        try:
            needed = distribution(name).requires or []
        except ModuleNotFoundError:  # of another platform
            continue
        for one in map(Requirement, needed):
            marker = one.marker
            wanted = marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, ""))
            if wanted and canonicalize_name(one.name) not in found:
                waiting.append((one.name, frozenset(one.extras)))
    return found


def _passes(command: list[str]) -> str:
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, f"{shlex.join(command[:3])}\n{run.stdout}{run.stderr}"
    return run.stdout + run.stderr

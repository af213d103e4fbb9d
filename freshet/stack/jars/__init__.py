"""The Java parts of the local stack, by Maven coordinates with pinned sha256, and where they lie on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from filelock import FileLock

from freshet.errors import UsageError

SETS = ("kafka", "flink")
"""``kafka.lock``: the broker with its runtime dependencies. ``flink.lock``: what Flink needs beside its own wheel.

Only where they are asked for: ``flink-model.lock``, for ML_PREDICT; ``flink-sql.lock``, for Flink's SQL client."""

Progress = Callable[[str, float], None]
"""Called with what is going on and the done share from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned artifact."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def pinned(set_name: str) -> list[Jar]:
    """The jars of one set, in class path order."""
    lines = resources.files(__name__).joinpath(f"{set_name}.lock").read_text("utf-8").splitlines()
    return [_parse(line) for line in lines if line and not line.startswith("#")]


def resolve(set_name: str, cache: Path, progress: Progress | None = None) -> list[Path]:
    """Paths of a set's jars; downloads what ``cache`` lacks and checks each digest once, when it arrives.

    Blocks for the download. Raises UsageError when a jar cannot be had or is not the pinned one.
    """
    jars = pinned(set_name)
    cache.mkdir(parents=True, exist_ok=True)
    if _absent(jars, cache):
        # Two starts at once would move each other's downloads away.
        with FileLock(cache / "download.lock"):
            _download_all(set_name, _absent(jars, cache), cache, progress)
    return [cache / jar.name for jar in jars]


def _absent(jars: list[Jar], cache: Path) -> list[Jar]:
    return [jar for jar in jars if not (cache / jar.name).exists()]


def _download_all(set_name: str, jars: list[Jar], cache: Path, progress: Progress | None) -> None:
    with ThreadPoolExecutor(max_workers=8) as pool:
        downloads = [pool.submit(_download, jar, cache) for jar in jars]
        for done, download in enumerate(as_completed(downloads), start=1):
            download.result()
            if progress:
                progress(f"{set_name} jars", done / len(jars))


def missing(cache: Path) -> list[str]:
    """Names of pinned jars that are not in the cache, or not as pinned."""
    return [
        jar.name
        for set_name in SETS
        for jar in pinned(set_name)
        if not (cache / jar.name).exists() or _digest(cache / jar.name) != jar.sha256
    ]


def _parse(line: str) -> Jar:
    coordinates, sha256 = line.split()
    group, artifact, version = coordinates.split(":")
    return Jar(group, artifact, version, sha256)


def _download(jar: Jar, cache: Path) -> None:
    # jgo takes half a second to import, which a warm start need not pay.
    from jgo.maven import MavenContext

    try:
        context = MavenContext(repo_cache=cache / "m2", timeout=60)
        fetched = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except Exception as error:
        raise UsageError(
            f"cannot download {jar.name}", f"{type(error).__name__}: {error}", "check the network and start again"
        ) from error
    found = _digest(fetched)
    if found != jar.sha256:
        fetched.unlink()
        raise UsageError(
            f"{jar.name} is not the pinned one",
            f"its sha256 is {found}, expected {jar.sha256}",
            "what served it cannot be trusted, or the download broke: start again",
        )
    fetched.replace(cache / jar.name)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
        return digest.hexdigest()

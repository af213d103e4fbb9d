"""The Dockerfile as its stages, each with the instructions that hold in it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).parents[2]
TARGETS = ("producers", "flink-job", "inference", "consumers", "search", "connect")


@dataclass(frozen=True, slots=True)
class Stage:
    """``base`` is an image or another stage's name. ``instructions`` are its own, in order."""

    name: str
    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def values(self, instruction: str) -> list[str]:
        return [value for name, value in self.instructions if name == instruction]

    def environment(self) -> dict[str, str]:
        words = (word for value in self.values("ENV") for word in shlex.split(value))
        return dict(word.split("=", 1) for word in words)

    def labels(self) -> dict[str, str]:
        words = (word for value in self.values("LABEL") for word in shlex.split(value))
        return dict(word.split("=", 1) for word in words)

    def command(self, instruction: str) -> list[str]:
        """Of ENTRYPOINT, or of HEALTHCHECK's CMD; empty without one."""
        values = self.values(instruction)
        found: list[str] = json.loads(values[-1][values[-1].index("[") :]) if values and "[" in values[-1] else []
        return found


def stages() -> dict[str, Stage]:
    """By name, in the order of the file."""
    parser = DockerfileParser(fileobj=BytesIO((ROOT / "Dockerfile").read_bytes()))
    found: dict[str, Stage] = {}
    for one in parser.structure:
        name, value = one["instruction"].upper(), one["value"]
        if name == "FROM":
            base, _, stage = value.partition(" AS ")
            found[stage] = Stage(stage, base)
        elif found:
            list(found.values())[-1].instructions.append((name, value))
    return found


def lineage(name: str) -> Iterator[Stage]:
    """The stage, the one it is made from, and so on down to an image."""
    every = stages()
    while name in every:
        yield every[name]
        name = every[name].base

"""Compare the engines, write docs/results/models.md: ``python -m tests.bench.models [--site FOLDER]``.

Candidates that cannot be imported are left out; ``--site`` names a folder with packages that the environment lacks
(torch and sentence-transformers, OpenVINO). About four minutes; nothing else should run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freshet.bench.machine import describe
from freshet.bench.tables import table
from freshet.stack.process import MODEL_PROCESS
from tests.bench.models import batches, instances, server
from tests.bench.models.candidates import CANDIDATES
from tests.bench.models.dimensions import reductions
from tests.bench.models.measure import LENGTHS, PAIRS
from tests.bench.models.peak import int8_peak, operations

OUT = Path("docs/results/models.md")
NEAREST = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", nargs="*", default=[], help="further folders with packages")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    about = describe()
    os.environ.update(MODEL_PROCESS)
    one, both = int8_peak(1), int8_peak(os.cpu_count() or 1)
    found, vectors, missing = _engines(arguments.site)
    lines = [
        "# Models",
        "",
        _ABOUT,
        "",
        f"- command: `make bench-models`{_SITE if arguments.site else ''}",
        about,
        "",
        "## Engines",
        "",
    ]
    lines += [_engine_table(found), "", _ENGINES]
    lines += [f"Not installed, so not compared: {', '.join(missing)}."] if missing else []
    lines += ["", "## Quality", "", _QUALITY, "", _quality_table(found, vectors), ""]
    lines += ["## The bound", "", *_bound(found, one, both), ""]
    lines += ["## Batches", "", "Processor time in ms per text of one length, by how many are computed at once.", ""]
    lines += [table(["", "tokens", *(f"{size} at once" for size in batches.SIZES)], batches.compare()), ""]
    lines += ["## Instances", "", _INSTANCES, ""]
    head = ["", "texts/s", "CPU ms per text", "texts/s beside a busy process", "what that one gets done, of all it can"]
    lines += [table(head, instances.compare()), ""]
    load, lanes, words = server.measure()
    head = ["", "requests/s", "texts/s", "p50 ms", "p99 ms"]
    lines += ["## The server", "", f"{_SERVER} {words[0].upper()}{words[1:]}.", ""]
    lines += [
        table(["clients × texts a request", *head[1:], "server's CPU ms per text"], load),
        "",
        "### Lanes",
        "",
        table(head, lanes),
        "",
    ]
    lines += ["## Fewer dimensions", "", _REDUCED, "", reductions(vectors), ""]
    arguments.out.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


def _engines(site: list[str]) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    found, vectors, missing = {}, {}, []
    with tempfile.TemporaryDirectory() as folder:
        for name, (label, _) in CANDIDATES.items():
            command = [sys.executable, "-m", "tests.bench.models.measure", name, folder, *site]
            run = subprocess.run(command, capture_output=True, text=True)
            if run.returncode:
                last = (run.stderr.strip().splitlines() or [""])[-1]
                if "ModuleNotFoundError" not in run.stderr and "cannot be run here" not in run.stderr:
                    raise SystemExit(run.stderr)
                print(f"{name}: {last}", file=sys.stderr)
                missing.append(label)
                continue
            found[name] = json.loads((Path(folder) / f"{name}.json").read_text())
            with np.load(Path(folder) / f"{name}.npz") as arrays:
                vectors[name] = {key: arrays[key] for key in arrays.files}
    return found, vectors, missing


def _engine_table(found: dict[str, Any]) -> str:
    head = ["", *(f"{length} tokens" for length in LENGTHS), "CPU ms at 65 tokens", "start s", "memory MB"]
    body = []
    for name, each in found.items():
        cells = [f"{each[str(length)]['p50']:.2f} / {each[str(length)]['p99']:.2f}" for length in LENGTHS]
        cells += [f"{each['65']['cpu']:.2f}", f"{each['start_seconds']:.1f}", f"{each['memory_mb']:.0f}"]
        body.append([CANDIDATES[name][0], *cells])
    return table(head, body)


def _quality_table(found: dict[str, Any], vectors: dict[str, Any]) -> str:
    reference = vectors["fp32"]
    full = recall(reference["queries"], reference["documents"])
    body = []
    for name in found:
        each = vectors[name]
        cosines = np.concatenate([(each[key] * reference[key]).sum(axis=1) for key in ("queries", "documents")])
        share = recall(each["queries"], each["documents"])
        body.append(
            [
                CANDIDATES[name][0],
                f"{cosines.mean():.4f}",
                f"{cosines.min():.4f}",
                f"{share:.3f}",
                f"{full - share:+.3f}",
                f"{overlap(each, reference):.3f}",
            ]
        )
    head = ["", "mean cosine to fp32", "lowest", f"recall@{NEAREST}", "loss", f"same {NEAREST} nearest as fp32"]
    return table(head, body)


def recall(queries: NDArray[np.float32], documents: NDArray[np.float32]) -> float:
    """Share of the queries whose own document is among the nearest."""
    scores = queries @ documents.T
    own = np.diagonal(scores)[:, None]
    return float(((scores > own).sum(axis=1) < NEAREST).mean())


def overlap(each: dict[str, NDArray[np.float32]], reference: dict[str, NDArray[np.float32]]) -> float:
    def nearest(vectors: dict[str, NDArray[np.float32]]) -> NDArray[np.intp]:
        return np.argsort(-(vectors["queries"] @ vectors["documents"].T), axis=1)[:, :NEAREST]

    pairs = zip(nearest(each), nearest(reference), strict=True)
    return float(np.mean([len(set(a) & set(b)) / NEAREST for a, b in pairs]))


def _bound(found: dict[str, Any], one: float | None, both: float | None) -> list[str]:
    if one is None or both is None:
        return ["Not measured: it needs AVX512-VNNI and a C compiler."]
    lines = [
        f"The processor's 8-bit peak, measured with independent `vpdpbusd` in registers (`tests/bench/models/peak.c`): "
        f"**{one:.0f}** GOPS on one thread, {both:.0f} on {os.cpu_count()}. A text needs the operations of its matrix "
        "products (a multiplication and an addition are two); the share is that against the processor time of int8.",
        "",
    ]
    body = []
    for length in LENGTHS:
        milliseconds = found["int8"][str(length)]["cpu"]
        rate = operations(length) / milliseconds / 1e6
        body.append(
            [
                str(length),
                f"{operations(length) / 1e9:.2f}",
                f"{operations(length) / one / 1e6:.2f}",
                f"{milliseconds:.2f}",
                f"{rate:.0f}",
                f"{rate / one:.2f}",
            ]
        )
    return [*lines, table(["tokens", "10⁹ operations", "ms at the peak", "CPU ms", "GOPS", "share"], body)]


_SITE = ", with `--site` for packages that the environment does not have"
_ABOUT = """all-MiniLM-L6-v2 (384 dimensions) in each engine, on real text: docstrings of Python's standard library.
Each engine has a process of its own. Where the load average below is above 1, something else ran on the same cores:
then go by processor times, and measure again for rates and latencies."""
_ENGINES = """p50 / p99 in ms of one text at a time on one thread. CPU: processor time per text, which neighbours on the
machine lengthen less. Start: from the process's beginning to the first vector, imports included, the built graph there;
memory: of the whole process then."""
_QUALITY = f"""{PAIRS} pairs: the first line of a docstring is the query, the rest is the document to be found among all
{PAIRS}."""
_INSTANCES = f"""int8, texts of {instances.TOKENS} tokens, in one process. The neighbour would use one core whole."""
_SERVER = (
    f"""int8, texts of {server.TOKENS} tokens, no cache; closed loop, the load takes its share of the same cores."""
)
_REDUCED = """`dimensions` by the fitted projection of int8's revision, against cutting the vector off, which this model
was not trained for. The projection was fitted to other docstrings than these pairs."""


if __name__ == "__main__":
    main()

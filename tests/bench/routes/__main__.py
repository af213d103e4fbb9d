"""Compare the routes to the model, write docs/results/routes.md: ``python -m tests.bench.routes``.

Each route runs on a stack of its own, some three minutes. In slices: ``--route thread --raw FOLDER`` measures one and
keeps its figures; ``--write --raw FOLDER`` writes the page from all that are there. Nothing else should run.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from freshet.bench.machine import describe
from freshet.bench.run import run
from freshet.bench.texts import texts
from freshet.embedding.load import load_embedder
from freshet.settings import model_settings
from freshet.stack.local import LocalStack
from tests.bench.routes.kill import killed
from tests.bench.routes.page import page
from tests.bench.routes.route import ROUTES, Route, started
from tests.bench.routes.usage import processor_seconds, resident_mb

OUT = Path("docs/results/routes.md")
TOKENS = 14
WARM_UP = (200.0, 4_000)
"""Events per second, events: a JVM's first half minute costs three times the processor time."""
RATES = {20: 15, 100: 20, 150: 8, 200: 8, 250: 8, 300: 12, 350: 8, 400: 8, 450: 8, 500: 8}
"""Events per second, and for how many seconds. Up to 300 each is measured, above as long as they are kept up with."""
ALWAYS = 300
PROMISE_MS = 100.0
SAMPLE = 1_500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--route", choices=list(ROUTES), nargs="*", default=list(ROUTES), help="only these")
    parser.add_argument("--raw", type=Path, help="folder of figures between slices")
    parser.add_argument("--write", action="store_true", help="measure nothing, write the page from --raw")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--note", default="", help="a line for the page: what else ran meanwhile")
    arguments = parser.parse_args()
    raw: Path = arguments.raw or Path(tempfile.mkdtemp(prefix="freshet-routes-"))
    raw.mkdir(parents=True, exist_ok=True)
    if not arguments.write:
        for name in arguments.route:
            (raw / f"{name}.json").write_text(json.dumps(_measured(ROUTES[name]), indent=1))
    if arguments.write or arguments.raw is None:
        found = {name: json.loads((raw / f"{name}.json").read_text()) for name in ROUTES if _there(raw, name)}
        arguments.out.write_text(page(found, arguments.note))
        print(f"written to {arguments.out}")


def _there(raw: Path, name: str) -> bool:
    return (raw / f"{name}.json").exists()


def _measured(route: Route) -> dict[str, Any]:
    about = describe()
    with tempfile.TemporaryDirectory(prefix="freshet-routes-") as folder, started(route, Path(folder)) as stack:
        contents = texts(load_embedder(model_settings()), TOKENS, seed=1)
        run(stack, contents, "warm", *WARM_UP, probes_per_second=1, sample=10)
        rates = []
        for rate, seconds in RATES.items():
            rates.append(_at(stack, contents, rate, seconds))
            print(route.name, rates[-1], flush=True)
            if rate >= ALWAYS and rates[-1]["p99"] > 5 * PROMISE_MS:
                break
        memory = resident_mb(stack)
        died = killed(stack, route, contents)
        print(route.name, died, flush=True)
    return {"about": about, "rates": rates, "memory": memory, "kill": died, "victim": route.victim}


def _at(stack: LocalStack, contents: Any, rate: float, seconds: float) -> dict[str, Any]:
    events = int(rate * seconds)
    before = processor_seconds(stack)
    outcome = run(stack, contents, f"rate-{rate:g}", rate, events, probes_per_second=1, sample=SAMPLE)
    used = {name: (spent - before.get(name, 0)) / events * 1e3 for name, spent in processor_seconds(stack).items()}
    total = outcome.hops["due → upserted"]
    embedded = outcome.hops["published → embedded"]
    return {
        "rate": rate,
        "events": events,
        **{f"p{share:g}": float(np.percentile(total, share)) for share in (50, 99)},
        "embedded_p50": float(np.percentile(embedded, 50)),
        "embedded_p99": float(np.percentile(embedded, 99)),
        "catch_up_s": outcome.catch_up_seconds,
        "cpu_ms": used,
    }


if __name__ == "__main__":
    main()

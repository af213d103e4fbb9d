"""``python -m tests.bench.observability POLICY … | overhead | page``: measure one, keep it, write the page from all."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from consumers.policies import POLICIES
from freshet.bench.machine import describe
from tests.bench.observability.overhead import Overhead, overhead
from tests.bench.observability.plot import plot
from tests.bench.observability.report import page
from tests.bench.observability.stress import Seen, stress

FILE = Path(__file__).parent / "measured.json"
OUT = Path(__file__).parents[3] / "docs" / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="+", choices=[*POLICIES, "overhead", "page"])
    measured: dict[str, Any] = json.loads(FILE.read_text()) if FILE.is_file() else {"stress": {}}
    for what in parser.parse_args().what:
        if what == "page":
            continue
        result = {"command": f"python -m tests.bench.observability {what}", "machine": describe()}
        if what == "overhead":
            measured["overhead"] = result | asdict(overhead())
        else:
            measured["stress"][what] = result | asdict(stress(what))
        print(what, "measured", flush=True)
        FILE.write_text(json.dumps(measured) + "\n")
    seen = [Seen(one["policy"], one["series"]) for one in measured["stress"].values()]
    if not seen or "overhead" not in measured:
        sys.exit("not all is measured: one policy at least, and overhead")
    cost = measured["overhead"]
    found = Overhead(cost["counting"], *(tuple(cost[name]) for name in ("alone", "asked", "observers")))
    (OUT / "observability.svg").write_text(plot(seen))
    (OUT / "observability.md").write_text(
        page(seen, found, list(measured["stress"].values())[-1]["machine"], cost["machine"])
    )


if __name__ == "__main__":
    main()

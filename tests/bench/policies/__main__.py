"""Simulates every policy in every scenario and writes ``docs/results/policies.md`` and its plots."""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from consumers.policies import MAX_LIMIT, POLICIES, Observations, Policy
from consumers.settings import ConsumerSettings
from tests.bench.policies.calibrate import load
from tests.bench.policies.figures import figures
from tests.bench.policies.plot import plot
from tests.bench.policies.report import file_name, page
from tests.bench.policies.scenario import scenarios
from tests.bench.policies.simulator import Run, simulate

OUT = Path(__file__).parents[3] / "docs" / "results"
SEEDS = 3
PLOTTED = ("burst", "long stall", "slow per record", "cold start", "distant store", "recorded")


def fixed(_limit: int, _seen: Observations) -> int:
    return MAX_LIMIT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    costs, settings = load(), ConsumerSettings()
    policies: dict[str, Policy] = {**POLICIES, f"fixed {MAX_LIMIT}": fixed}
    runs: dict[str, dict[str, list[Run]]] = defaultdict(lambda: defaultdict(list))
    for seed in range(1, options.seeds + 1):
        told = scenarios(costs, np.random.default_rng(seed))
        for number, scenario in enumerate(told):
            for name, policy in policies.items():
                random = np.random.default_rng((seed, number))
                runs[scenario.name][name].append(simulate(scenario, policy, settings, costs, random))
    results = {story: {name: figures(some) for name, some in found.items()} for story, found in runs.items()}
    command = "python -m tests.bench.policies"
    (options.out / "policies").mkdir(parents=True, exist_ok=True)
    (options.out / "policies.md").write_text(page(results, told, costs, command, options.seeds))
    for name in POLICIES:
        drawing = plot(name, {story: runs[story][name] for story in PLOTTED})
        (options.out / "policies" / file_name(name)).write_text(drawing)
    print(f"written to {options.out / 'policies.md'}")


if __name__ == "__main__":
    main()

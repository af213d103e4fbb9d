"""``python -m tests.faults.soak --minutes 30``: constant load, random faults; a leak, a drift or a finding fails it."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from freshet.bench.machine import describe
from freshet.stack.process import ProcessFailed, wait_until
from tests.faults.harness.keeper import all_runs
from tests.faults.harness.lab import Lab, chosen_seed, start_stack
from tests.faults.harness.trial import Trial
from tests.faults.harness.verdict import Verdict
from tests.faults.soak.drift import leaks, pile, slowdown
from tests.faults.soak.faults import faults
from tests.faults.soak.report import Soak, write
from tests.faults.soak.samples import Sampler

FIRST_FAULT_SECONDS = 60.0
BETWEEN_SECONDS = (100.0, 180.0)
BACK_SECONDS = 180.0


def soak(trial: Trial, seconds: float, rate: float, machine: str, command: str) -> Soak:
    """Block for ``seconds`` and a while until all is quiet and compared."""
    stack = trial.stack
    choose = random.Random(trial.seed)
    happened: list[tuple[float, str]] = []
    with trial.under_load(rate=rate, documents=400, long=False):
        sampler = Sampler(stack, lambda: trial.canary.found if trial.canary is not None else [])
        sampler.start()
        due = FIRST_FAULT_SECONDS
        coming = faults(stack, choose)
        while sampler.seconds < seconds:
            time.sleep(1)
            trial.sender.check()
            if sampler.seconds >= due and sampler.seconds < seconds - BACK_SECONDS:
                fault = next(coming)
                happened.append((sampler.seconds, fault.name))
                print(f"{sampler.seconds:6.0f} s  {fault.name}; {len(trial.ledger)} changes so far", flush=True)
                with trial.lab.keeper.held():
                    fault.do()
                wait_until(lambda: all_runs(stack), f"everything runs again after {fault.name}", BACK_SECONDS)
                due = sampler.seconds + choose.uniform(*BETWEEN_SECONDS)
        sampler.stop()
    verdict = trial.judge()
    begun = [second for second, _ in happened]
    complaints = [*map(str, verdict.findings), *leaks(sampler.usage)]
    complaints += filter(None, (slowdown(sampler.flow, begun), pile(sampler.flow)))
    return Soak(command, machine, rate, verdict, tuple(happened), sampler.usage, sampler.flow, tuple(complaints))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=30, help="changes per second")
    parser.add_argument("--out", type=Path, default=Path("docs/results"))
    chosen = parser.parse_args()
    machine, command = describe(), f"make soak MINUTES={chosen.minutes:g}"
    seed = chosen_seed()
    print(f"seed {seed}", flush=True)
    state = Path(tempfile.mkdtemp(prefix="freshet-soak-"))
    verdicts: list[Verdict] = []
    lab = Lab(start_stack(state), seed)
    try:
        trial = Trial(lab, "soak", verdicts.append)
        trial.open()
        result = soak(trial, chosen.minutes * 60, chosen.rate, machine, command)
    except ProcessFailed as error:
        print(f"{error.what}\n{error.detail}", file=sys.stderr)
        return 1
    finally:
        lab.drop()
        shutil.rmtree(state, ignore_errors=True)
    write(result, chosen.out)
    for complaint in result.complaints:
        print(complaint, file=sys.stderr)
    return 1 if result.complaints else 0


if __name__ == "__main__":
    sys.exit(main())

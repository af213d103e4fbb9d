"""Run many seeds, or replay one: ``python -m tests.faults.simulation --seeds 10000`` or ``--seed 17 --trace``."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Iterator
from multiprocessing import get_context

from tests.faults.simulation.world import Outcome, run

COMMAND = "python -m tests.faults.simulation"
MOST_FAILURES = 10


def main() -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seconds", type=float, default=900, help="stop after so long")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="with --seed: every step of it")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if asked.seed is not None:
        return _one(asked.seed, asked.trace)
    return _many(range(asked.first, asked.first + asked.seeds), asked.jobs, asked.seconds)


def _one(seed: int, tracing: bool) -> int:
    outcome = run(seed, tracing=tracing)
    print(*outcome.trace, sep="\n")
    print(f"seed {seed}: {outcome.events} events, {outcome.records} records")
    print(*outcome.findings, sep="\n")
    return bool(outcome.findings)


def _many(seeds: range, jobs: int, seconds: float) -> int:
    started = time.monotonic()
    done = events = failures = 0
    for outcome in _outcomes(seeds, jobs):
        done += 1
        events += outcome.events
        if outcome.findings:
            failures += 1
            print(f"\nseed {outcome.seed} after {outcome.events} events: {COMMAND} --seed {outcome.seed} --trace")
            print(*(f"  {finding}" for finding in outcome.findings[:3]), sep="\n")
        took = time.monotonic() - started
        if done % 100 == 0:
            print(f"\r{done} seeds, {events} events, {failures} failures, {took:.0f} s", end="", flush=True)
        if took > seconds or failures >= MOST_FAILURES:
            break
    print(f"\n{done} of {len(seeds)} seeds from {seeds.start}, {events} events, {failures} failures, {took:.1f} s")
    return 1 if failures or done < len(seeds) else 0


def _outcomes(seeds: range, jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        yield from map(run, seeds)
        return
    with get_context("spawn").Pool(jobs, logging.disable, (logging.CRITICAL,)) as pool:
        yield from pool.imap_unordered(run, seeds, chunksize=20)


if __name__ == "__main__":
    sys.exit(main())

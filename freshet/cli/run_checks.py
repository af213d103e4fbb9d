"""What ``freshet doctor`` looks at in what runs: ports, and whether ``run.json`` tells the truth."""

from __future__ import annotations

from pathlib import Path

import psutil

from freshet.cli.checks import Check, fail, ok, warn
from freshet.cli.processes import process_state
from freshet.errors import UsageError
from freshet.stack.process import accepts
from freshet.stack.runfile import NAME, RunFile, read_run_file


def run_file(state: Path) -> tuple[Check, RunFile | None]:
    """The check, and the run file where its processes live."""
    if not (state / NAME).exists():
        return ok("run.json", f"nothing runs on {state}"), None
    try:
        run = read_run_file(state)
    except UsageError as error:
        return fail("run.json", f"{error.what}: {error.detail}", error.remedy), None
    states = [process_state(name, entry) for name, entry in run.processes.items()]
    dead = [one.name for one in states if not one.alive]
    if not dead:
        return ok("run.json", f"all {len(states)} processes run since {run.started_at}"), run
    if len(dead) == len(states):
        remedy = "nothing to do: the next `freshet up` replaces it"
        return warn("run.json", f"left from a run that did not end in order ({run.started_at})", remedy), None
    return warn("run.json", f"dead: {', '.join(dead)}", "see `freshet status`"), run


def port(number: int, what: str, run: RunFile | None, *, needed: bool) -> Check:
    """Free, ours, or taken by whom. ``needed``: without it Freshet does not start (else it takes another port)."""
    name = f"port {number}"
    if not accepts(number):
        return ok(name, f"free, for {what}")
    holder = _holder(number)
    ours = {entry.pid for entry in run.processes.values()} if run else set()
    if holder is not None and holder.pid in ours:
        return ok(name, f"{what} of the running Freshet")
    by = f"{holder.name()} (pid {holder.pid})" if holder is not None else "a process of another user"
    if needed:
        return fail(name, f"{what} needs it, but {by} listens there", f"end that, or `freshet up --port {number + 1}`")
    return warn(name, f"{by} listens there", f"nothing to do: {what} takes another port")


def _holder(number: int) -> psutil.Process | None:
    """Who listens; only root sees other users' processes."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.pid:
                _, listens = connection.laddr
                if listens == number:
                    return psutil.Process(connection.pid)
    except psutil.Error:
        return None
    return None

"""What ``freshet doctor`` looks at in the machine: Python, platform, memory, disk, limits, clock."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import psutil

from freshet.cli.checks import Check, fail, ok, warn

GIB = 2**30
NEEDED_MEMORY = 3 * GIB
"""The local stack takes about 2 GB: three JVMs, the model and the store."""
NEEDED_DISK = 2 * GIB
NEEDED_TMP = GIB // 4
NEEDED_FILES = 4096
PYTHONS = ((3, 10), (3, 11), (3, 12))
_EARLIEST = 1_735_689_600
"""2025-01-01: a clock before that was never set."""


def python(version: tuple[int, int] = sys.version_info[:2]) -> Check:
    running = f"{version[0]}.{version[1]} ({sys.executable})"
    if version in PYTHONS:
        return ok("Python", running)
    return fail("Python", f"{running}; Freshet needs 3.10 to 3.12", "make run PYTHON=/path/to/python3.11")


def machine(system: str = sys.platform, architecture: str = platform.machine()) -> Check:
    found = f"{system} on {architecture}"
    if system in ("linux", "darwin") and architecture in ("x86_64", "aarch64", "arm64"):
        return ok("platform", found)
    return fail("platform", f"{found}: the JRE, the model's engine or the store have no build for it", "use Docker")


def memory(available: int | None = None) -> Check:
    free = psutil.virtual_memory().available if available is None else available
    found = f"{free / GIB:.1f} GiB available"
    if free >= NEEDED_MEMORY:
        return ok("memory", found)
    remedy = "close other programs; too little memory makes it slow, then the kernel ends a process"
    return warn("memory", f"{found}, the local stack takes about 2 GiB", remedy)


def disk(folder: Path) -> Check:
    return _space("disk", _existing(folder), NEEDED_DISK, fatal=True)


def temporary() -> Check:
    return _space("temporary folder", Path(tempfile.gettempdir()), NEEDED_TMP, fatal=False)


def writable(state: Path) -> Check:
    """Tries it: mode bits say nothing about read-only mounts and quotas."""
    folder = _existing(state)
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".freshet-doctor-"):
            return ok("state folder", f"{state.absolute()} can be written")
    except OSError as error:
        return fail("state folder", f"{folder} cannot be written: {error}", "name another with --state")


def open_files(limit: int | None = None) -> Check:
    """The soft limit of this shell, which the processes inherit."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if limit is None else limit
    if soft == resource.RLIM_INFINITY or soft >= NEEDED_FILES:
        return ok("open files", f"up to {'any number' if soft == resource.RLIM_INFINITY else soft}")
    remedy = f"ulimit -n {NEEDED_FILES}"
    return warn("open files", f"at most {soft}; Kafka and the store hold a file per segment", remedy)


def clock(now: float | None = None) -> Check:
    """Freshness is a difference of wall times, so the clock has to be one."""
    seconds = time.time() if now is None else now
    read = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    if seconds < _EARLIEST:
        return fail("clock", f"it says {read}", "set it, for example with `timedatectl set-ntp true`")
    return ok("clock", read)


def watches(watch: Path | None, limit: Path = Path("/proc/sys/fs/inotify/max_user_watches")) -> Check | None:
    """One inotify watch per folder (Linux only); None where nothing is watched."""
    if watch is None:
        return None
    if not watch.is_dir():
        return fail("watched folder", f"{watch} is no folder", "create it, or name another with --watch")
    if not limit.exists():
        return None
    allowed = int(limit.read_text())
    folders = sum(1 for _ in os.walk(watch))
    found = f"{folders} folders in {watch}, {allowed} watches allowed"
    if folders < allowed * 0.8:
        return ok("file watches", found)
    return fail("file watches", found, f"sudo sysctl fs.inotify.max_user_watches={max(524_288, folders * 2)}")


def cores() -> Check:
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    if count >= 2:
        return ok("processors", str(count))
    return warn("processors", f"{count}", "freshness under 100 ms needs two")


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder


def _space(name: str, folder: Path, needed: int, *, fatal: bool) -> Check:
    free = shutil.disk_usage(folder).free
    found = f"{free / GIB:.1f} GiB free in {folder}"
    if free >= needed:
        return ok(name, found)
    remedy = "free some, or set TMPDIR" if name == "temporary folder" else "free some, or name another with --state"
    return (fail if fatal else warn)(name, f"{found}, {needed / GIB:.2g} GiB are needed", remedy)

"""What a figure must say of where it was taken."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import psutil


def describe() -> str:
    """Machine, load average before the run, versions, commit and date, as Markdown lines."""
    load = ", ".join(f"{one:.2f}" for one in os.getloadavg())
    return "\n".join(
        (
            f"- machine: {_processor()}, {os.cpu_count()} cores, {psutil.virtual_memory().total >> 30} GiB memory, "
            f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
            f"- load average before: {load}",
            f"- commit: {commit()}, {datetime.now(timezone.utc).date().isoformat()}",
        )
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    flags = next((line for line in lines if line.startswith("flags")), "")
    extensions = [name for name in ("avx512_vnni", "amx_int8") if name in flags]
    return " with ".join(filter(None, (names[0] if names else platform.machine(), ", ".join(extensions))))


def commit() -> str:
    """Of the working tree, marked where it is changed; "unknown" outside of git."""
    run = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True)
    return run.stdout.strip() or "unknown"

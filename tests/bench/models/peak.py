"""The bound: what the processor's 8-bit instructions can do, and what a text costs in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_SOURCE = Path(__file__).with_name("peak.c")
_LAYERS, _HIDDEN, _WIDE = 6, 384, 1536


def operations(tokens: int) -> float:
    """Of the encoder's matrix products for one text; a multiplication and an addition are two.

    Per token and layer four products with 384 × 384 and two with 384 × 1536; then every token with every token, twice.
    """
    dense = 4 * _HIDDEN * _HIDDEN + 2 * _HIDDEN * _WIDE
    return 2.0 * _LAYERS * (tokens * dense + 2 * tokens * tokens * _HIDDEN)


def int8_peak(threads: int) -> float | None:
    """10⁹ operations/s of so many threads at once, measured; None without AVX512-VNNI or a C compiler."""
    compiler = shutil.which("cc")
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    if compiler is None or "avx512_vnni" not in flags:
        return None
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "peak")
        subprocess.run([compiler, "-O2", "-mavx512f", "-mavx512vnni", str(_SOURCE), "-o", program], check=True)
        with ThreadPoolExecutor(threads) as pool:
            runs = pool.map(
                lambda _: subprocess.run([program], capture_output=True, text=True, check=True), range(threads)
            )
            return sum(float(run.stdout) for run in runs)

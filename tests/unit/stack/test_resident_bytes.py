"""What a process has started counts as its memory: the store's engines are no processes of the stack's own."""

from __future__ import annotations

import subprocess
import sys

import psutil

from freshet.stack.process import resident_bytes


def test_the_memory_of_a_child_counts() -> None:
    code = "import sys; held = bytearray(64 << 20); sys.stdout.write('.'); sys.stdout.flush(); sys.stdin.read()"
    before = resident_bytes(psutil.Process())
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.read(1) == b"."
        assert resident_bytes(psutil.Process()) > before + (60 << 20)
        child.communicate()

from __future__ import annotations

import socket
import subprocess
import sys

from freshet.stack.process import free_port

ASK = """
import sys
from freshet.stack.process import free_port
print(free_port(int(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def test_a_port_that_something_listens_on_is_not_given() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = int(server.getsockname()[1])
        assert free_port(taken) != taken


def test_two_processes_that_ask_at_once_get_different_ports() -> None:
    wanted = free_port()
    command = [sys.executable, "-c", ASK, str(wanted + 1)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        theirs = int(other.stdout.readline())
        assert free_port(theirs) != theirs
        other.stdin.close()
    assert free_port(theirs) == theirs

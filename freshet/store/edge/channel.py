"""Frames over a socket between the store and the process of one shard.

A frame is the length of its body, the number of the request that it is or answers, its kind, and the body.
"""

from __future__ import annotations

import socket
import struct
from typing import Final, NamedTuple

_HEADER = struct.Struct("<IIB")
_AT_ONCE = 1 << 16

REQUEST: Final = 0
ANSWER: Final = 1
FAILURE: Final = 2


class Frame(NamedTuple):
    number: int
    kind: int
    body: bytes


class Channel:
    """One end. Not thread-safe."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._kept = bytearray()

    def send(self, number: int, kind: int, body: bytes) -> None:
        """Block until the kernel has taken it all. Raises OSError where the other end is gone."""
        self._end.sendall(_HEADER.pack(len(body), number, kind) + body)

    def receive(self) -> Frame:
        """Block until a frame is there. Raises EOFError, or OSError, where the other end is gone."""
        length, number, kind = _HEADER.unpack(self._take(_HEADER.size))
        return Frame(number, kind, self._take(length))

    def close(self) -> None:
        self._end.close()

    def _take(self, length: int) -> bytes:
        while len(self._kept) < length:
            data = self._end.recv(max(_AT_ONCE, length - len(self._kept)))
            if not data:
                raise EOFError
            self._kept += data
        taken = bytes(self._kept[:length])
        del self._kept[:length]
        return taken

"""A TCP proxy that can forget the connections it has, as a firewall or a load balancer does."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

BLOCK = 1 << 16


class ForgetfulProxy:
    """Passes everything on, from its own thread. What it has forgotten it swallows, and closes nothing.

    Toxiproxy cannot do this: it treats a proxy's old and new connections alike, and closes those that it held up.
    """

    def __init__(self, upstream_port: int, port: int = 0) -> None:
        """Both on 127.0.0.1; any free ``port`` where it is 0. Returns once it listens."""
        self._upstream = upstream_port
        self._epoch = 0
        self.forgotten = 0
        """Blocks of bytes that were swallowed."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        started = asyncio.start_server(self._connected, "127.0.0.1", port)
        self._server = asyncio.run_coroutine_threadsafe(started, self._loop).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def forget(self) -> None:
        """From now on nothing passes on the connections that there are; new ones are not affected."""
        self._epoch += 1

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end)
        self._thread.join()
        self._loop.close()

    def _end(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        ended = asyncio.gather(*tasks, return_exceptions=True)
        ended.add_done_callback(lambda _: self._loop.stop())

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            writer.close()
            return
        epoch = self._epoch
        # Cancelled at the end: asyncio would report it as an error of this callback.
        with suppress(asyncio.CancelledError):
            await asyncio.gather(self._pass_on(reader, back, epoch), self._pass_on(there, writer, epoch))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, epoch: int) -> None:
        with suppress(OSError):
            while block := await reader.read(BLOCK):
                if epoch == self._epoch:
                    writer.write(block)
                    await writer.drain()
                else:
                    self.forgotten += 1
        if epoch == self._epoch:
            writer.close()

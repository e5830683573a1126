"""A TCP proxy between the product and a server, which cuts, holds back and rewrites at will."""

import asyncio
import socket
import struct
import sys
import threading
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ops.ports import LOOPBACK

_CHUNK = 65_536

Rewrite = Callable[[bytes], bytes]


@dataclass(eq=False, slots=True)
class _Link:
    """One client and its connection to the server."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    client_port: int
    server_port: int

    def abort(self) -> None:
        _reset(self.client)
        _reset(self.server)


class Proxy:
    """Listens on one port of loopback and talks to another; works on a thread of its own.

    `rewrite` changes what clients say; the length must stay. Where `cuts_after` says so of a
    client's words, they reach the server and its answer reaches nobody.
    """

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self._target = target
        self.rewrite: Rewrite = bytes
        self.cuts_after: Callable[[bytes], bool] = lambda _: False
        self.cut_count = 0
        self._links: set[_Link] = set()
        self._loop = asyncio.new_event_loop()
        self._passes = asyncio.Event()
        self._passes.set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        # It must not wait for the load, which is busy on another thread, longer than it need.
        sys.setswitchinterval(0.0005)
        self._thread.start()
        self._do(self._listen())

    def stop(self) -> None:
        """Drop every connection and end the thread."""
        if self._thread.is_alive():
            self.cut()
            self._do(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
            self._loop.close()

    def hold_back(self) -> None:
        """Take everything and pass on nothing, as a cable that was cut does; see pass_on()."""
        self._loop.call_soon_threadsafe(self._passes.clear)

    def pass_on(self) -> None:
        """Pass on what was held back, and what follows."""
        self._loop.call_soon_threadsafe(self._passes.set)

    def pass_unchanged(self) -> None:
        """Forget whatever was to be rewritten or cut."""
        self.rewrite = bytes
        self.cuts_after = lambda _: False

    def cut(self, client_ports: Collection[int] | None = None) -> int:
        """Reset the connections of these clients, or all of them; returns how many."""
        chosen = [
            link
            for link in tuple(self._links)
            if client_ports is None or link.client_port in client_ports
        ]
        for link in chosen:
            self._loop.call_soon_threadsafe(link.abort)
        return len(chosen)

    def client_port_of(self, server_port: int) -> int | None:
        """Return the client's port of a connection that the server knows by its other end."""
        for link in tuple(self._links):
            if link.server_port == server_port:
                return link.client_port
        return None

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, LOOPBACK, self.port, family=socket.AF_INET, backlog=512
        )

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            _reset(writer)
            return
        link = _Link(
            writer,
            to_server,
            writer.get_extra_info("peername")[1],
            to_server.get_extra_info("sockname")[1],
        )
        self._links.add(link)
        try:
            await asyncio.gather(
                self._carry_to_server(reader, link), self._carry_back(from_server, writer)
            )
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._links.discard(link)
            link.client.close()
            link.server.close()

    async def _carry_to_server(self, reader: asyncio.StreamReader, link: _Link) -> None:
        while words := await reader.read(_CHUNK):
            await self._passes.wait()
            is_last = self.cuts_after(words)
            link.server.write(self.rewrite(words))
            await link.server.drain()
            if is_last:
                self.cut_count += 1
                # The server has it; only now is the client gone. Its own end is closed in order,
                # so that it reads what it was sent before it learns that nobody listens.
                _reset(link.client)
                if link.server.can_write_eof():
                    link.server.write_eof()
                return
        if link.server.can_write_eof():
            with suppress(OSError):
                link.server.write_eof()

    async def _carry_back(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while words := await reader.read(_CHUNK):
            await self._passes.wait()
            client.write(words)
            await client.drain()
        if client.can_write_eof() and not client.transport.is_closing():
            client.write_eof()

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection without a word of farewell, as a server does that dies."""
    made: socket.socket | None = writer.get_extra_info("socket")
    if made is not None and made.fileno() >= 0:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

"""A web server that hears everybody out before it closes.

uvicorn closes its door at once: connections that the kernel already took in, and requests that are on the way on a
connection it believes idle, are cut off, and their callers cannot know whether they were heard.
"""

import asyncio
import socket
import time
from collections.abc import Sequence

import uvicorn

LINGER = 1.0
TICK = 0.01


class PatientServer(uvicorn.Server):
    """Answers every request on every connection it has, each with `Connection: close`, and then ends."""

    def __init__(self, config: uvicorn.Config, listeners: Sequence[socket.socket]) -> None:
        super().__init__(config)
        # The kernel's queue of callers lives as long as one of its handles does.
        self._doors = [listener.dup() for listener in listeners]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop taking callers in, and end when those that are in are answered."""
        closing = (b"connection", b"close")
        self.server_state.default_headers = [*self.server_state.default_headers, closing]
        for server in self.servers:
            server.close()
        for door in self._doors:
            await self._let_in_who_waits(door)
        deadline = time.monotonic() + LINGER
        # Asked again and again, as uvicorn tells nobody when a connection ends.
        while self.server_state.connections and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(TICK)
        await super().shutdown(sockets)

    async def _let_in_who_waits(self, door: socket.socket) -> None:
        door.setblocking(False)
        while True:
            try:
                caller, _ = door.accept()
            except OSError:
                door.close()  # at once: whoever comes from now on is refused before they say anything
                return
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, caller)

    def _protocol(self) -> asyncio.Protocol:
        protocol: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

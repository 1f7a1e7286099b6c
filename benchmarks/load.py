"""A closed loop of callers, and what comes of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

Once = Callable[[], Awaitable[None]]


class Figure(NamedTuple):
    """What a number of callers got done."""

    per_second: float
    p50_ms: float
    p99_ms: float


async def measure(once: Once, callers: int, seconds: float) -> Figure:
    """Have some callers do one thing again and again, each waiting for its answer."""
    took: list[float] = []
    begun = time.perf_counter()
    end = begun + seconds

    async def loop() -> None:
        while (start := time.perf_counter()) < end:
            await once()
            took.append(time.perf_counter() - start)

    await asyncio.gather(*(loop() for _ in range(callers)))
    elapsed = time.perf_counter() - begun
    took.sort()
    return Figure(len(took) / elapsed, took[len(took) // 2] * 1e3, took[int(len(took) * 0.99)] * 1e3)


class Http:
    """Keep-alive HTTP/1.1 connections, as lean as a load generator must be."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of one request."""
        if self._idle:
            reader, writer = self._idle.pop()
        else:
            reader, writer = await asyncio.open_connection(self._host, self._port)
        head = f"{method} {path} HTTP/1.1\r\nhost: {self._host}\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.split(b"content-length:")[1].split(b"\r\n")[0])
        content = await reader.readexactly(length)
        self._idle.append((reader, writer))
        return int(answer[9:12]), content

    def close(self) -> None:
        """Close all connections."""
        for _, writer in self._idle:
            writer.close()

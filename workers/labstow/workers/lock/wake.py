"""The bell: tells every lock worker over Redis that locks may have become free.

Waiters look by themselves once a second; who hears the bell looks at once. Redis is there for nothing else: while it is
empty, away, stopped or talking nonsense, rings are dropped, and nobody waits for it.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import InvalidResponse, RedisError

from labstow.contracts.message import Ulid

CHANNEL: Final = "labstow.lock.freed"
IDS_A_MESSAGE: Final = 512
BYTES_A_MESSAGE: Final = 32 * IDS_A_MESSAGE
ROOM: Final = 16 * IDS_A_MESSAGE
"""Resources that may wait to be told of; what is more is dropped."""
COMMAND_S: Final = 0.05
CONNECT_S: Final = 1.0
SILENCE_S: Final = 1.0
"""After so long without a message we ask whether Redis is still there."""
BACKOFF_S: Final = (0.1, 2.0)
SLICES: Final = 5
NOT_REDIS: Final = "the address is none, or what answers there is not Redis"

log = logging.getLogger(__name__)

T = TypeVar("T")

_IDS: Final = TypeAdapter(frozenset[Ulid])
_NOTHING: Final = b"[]"
_NONSENSE: Final = (InvalidResponse, ValueError, TypeError, LookupError, AttributeError, RuntimeError)
"""What the client raises for answers that no Redis gives, for addresses that are none, and, with uvloop, over a
connection that was closed a moment ago."""


class Away(Exception):
    """Redis does not do its part; the text says how."""


class Bell:
    """Tells all lock workers that locks may have become free. Only a hint: it may be lost, late, or wrong."""

    def __init__(self, url: str, heard: Callable[[frozenset[str]], None]) -> None:
        self.problem: str | None = "not connected yet"
        """Why it does not ring right now, if so."""
        self._url = url
        self._heard = heard
        self._redis: Redis | None = None
        self._ids: set[str] = set()
        self._rung = asyncio.Event()
        self._puzzled = False

    def ring(self, resource_ids: Iterable[str]) -> None:
        """Tell everybody to look at these resources. Returns at once; while there is a problem it does nothing."""
        if self.problem is None:
            self._ids.update(islice(resource_ids, max(0, ROOM - len(self._ids))))
            self._rung.set()

    async def run(self) -> None:
        """Send what is rung, and call `heard` with what anybody rings, ourselves included, until cancelled.

        Redis may go away meanwhile and come back.
        """
        pause = BACKOFF_S[0]
        while True:
            started = time.monotonic()
            try:
                await self._serve()
            except* Away as trouble:
                self._say(str(trouble.exceptions[0]))
            finally:
                await self.close()
            pause = BACKOFF_S[0] if time.monotonic() - started > BACKOFF_S[1] else min(pause * 2, BACKOFF_S[1])
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Let go of the connections, as `run` does by itself when it ends."""
        self.problem = self.problem or "closed"
        self._ids.clear()
        redis, self._redis = self._redis, None
        if redis:
            with contextlib.suppress(Away):
                await _answer(redis.aclose(), CONNECT_S)

    async def _serve(self) -> None:
        """Listen and send over one pair of connections, until one of them fails."""
        channel = await _answer(self._connect(), CONNECT_S)
        self.problem = None
        log.info("waiters are woken over Redis")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(channel))
            tasks.create_task(self._send())

    async def _connect(self) -> PubSub:
        """Subscribe, and see that publishing works."""
        # It waits as long as we do and never tries again by itself; protocol 2 has fewer things to go wrong.
        self._redis = Redis.from_url(
            self._url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=None,
            socket_connect_timeout=CONNECT_S,
        )
        channel = self._redis.pubsub()
        await channel.subscribe(CHANNEL)
        confirmed = await channel.get_message(timeout=CONNECT_S)
        if not confirmed or confirmed["type"] != "subscribe":
            raise Away(NOT_REDIS)
        await self._redis.publish(CHANNEL, _NOTHING)
        return channel

    async def _send(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            while self._redis and self._ids:
                ids = [self._ids.pop() for _ in range(min(len(self._ids), IDS_A_MESSAGE))]
                await _answer(self._redis.publish(CHANNEL, json.dumps(ids)))

    async def _listen(self, channel: PubSub) -> None:
        while True:
            message = await _answer(channel.get_message(timeout=SILENCE_S), 2 * SILENCE_S)
            if not message:
                await _answer(channel.ping())
                message = await _answer(channel.get_message(timeout=SILENCE_S))
            if message and message["type"] == "message":
                self._hear(message["data"])

    def _hear(self, data: Any) -> None:
        ids = None
        if isinstance(data, bytes) and len(data) <= BYTES_A_MESSAGE:
            with contextlib.suppress(ValidationError):
                ids = _IDS.validate_json(data)
        if ids:
            self._heard(ids)
        elif ids is None and not self._puzzled:
            self._puzzled = True
            log.warning("somebody else uses the channel %s; what is not a list of resource ids is ignored", CHANNEL)

    def _say(self, problem: str) -> None:
        if problem != self.problem:
            log.warning("waiters are not woken, they look once a second: %s", problem)
        self.problem = problem


async def _answer(asked: Awaitable[T], limit_s: float = COMMAND_S) -> T:
    """What Redis answers.

    Raises:
        Away: it does not answer in time, or not as Redis would.
    """
    task = asyncio.ensure_future(asked)
    try:
        for _ in range(SLICES):  # in slices: one long turn of our own loop must not pass for the silence of Redis
            if (await asyncio.wait({task}, timeout=limit_s / SLICES))[0]:
                return task.result()
    except _NONSENSE as nonsense:
        raise Away(NOT_REDIS) from nonsense
    except (RedisError, OSError) as trouble:
        text = f"{type(trouble).__name__}: {trouble}"[:200]
        raise Away("".join(filter(str.isprintable, text))) from trouble
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    raise Away("Redis does not answer")

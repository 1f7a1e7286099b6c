"""Which nodes say that they are there: kept in Redis until they have been silent for too long, and nowhere else."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from labstow.contracts.node import HeartBeat, Present
from labstow.contracts.place_errors import PresenceUnknown
from labstow.workers.kit.call import Answered, Call, Result, refused
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.lane import Run

KEY: Final = "labstow.node."
SILENCE_S: Final = 0.5
TROUBLE: Final = (RedisError, OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError)
"""What the client raises where Redis is away, and for answers that no Redis gives."""
MANY: Final = 10_000
"""Nodes that are listed at most."""


class Presence:
    """Hears nodes and tells who is there."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=SILENCE_S,
            socket_connect_timeout=SILENCE_S,
        )

    async def run(self, calls: list[Call[Any]]) -> Result:
        """Answer heartbeats and questions who is there."""
        return Result([await self._answer(call) for call in calls], [])

    def beside(self, run: Run, tell: Callable[[frozenset[str] | None], None]) -> Run:
        """A `run` that is told before who is there, where somebody asks for that; None if it is not known."""

        async def with_presence(calls: list[Call[Any]]) -> Result:
            if any(getattr(call.request, "present", False) for call in calls):
                try:
                    tell(await self.names())
                except PresenceUnknown:
                    tell(None)
            return await run(calls)

        return with_presence

    async def names(self) -> frozenset[str]:
        """The nodes that are there.

        Raises:
            PresenceUnknown
        """
        return frozenset(one.node for one in await self._present())

    async def close(self) -> None:
        """Let go of the connection."""
        await self._redis.aclose()

    async def _answer(self, call: Call[Any]) -> Answered:
        try:
            if isinstance(call.request, HeartBeat):
                return Answered(call, 200, await self._hear(call.request))
            nodes = sorted(await self._present(), key=lambda one: one.node)
        except PresenceUnknown as unknown:
            return refused(call, unknown)
        return Answered(call, 200, dumps({"nodes": [one.model_dump() for one in nodes]}))

    async def _hear(self, beat: HeartBeat) -> bytes:
        until = datetime.fromtimestamp(time.time() + beat.for_s, UTC)
        known = dumps({"node": beat.node, "until": until, "about": beat.about})
        try:
            await self._redis.set(KEY + beat.node, known, px=int(beat.for_s * 1000))
        except TROUBLE as trouble:
            raise _unknown(trouble) from trouble
        return dumps({"node": beat.node, "until": until})

    async def _present(self) -> list[Present]:
        try:
            keys = [key async for key in self._redis.scan_iter(match=f"{KEY}*", count=1_000)][:MANY]
            values = await self._redis.mget(keys) if keys else []
        except TROUBLE as trouble:
            raise _unknown(trouble) from trouble
        found = {one.node: one for key, value in zip(keys, values, strict=True) if (one := _read(key, value))}
        return [*found.values()]


def _read(key: Any, value: bytes | str | None) -> Present | None:
    """A node that is there; None for what somebody else wrote, or what is over by now."""
    try:
        known = Present.model_validate_json(value) if value is not None else None
    except ValidationError:
        return None
    return known if known is not None and key == (KEY + known.node).encode() else None


def _unknown(trouble: Exception) -> PresenceUnknown:
    return PresenceUnknown(reason=f"Redis does not answer ({type(trouble).__name__})")

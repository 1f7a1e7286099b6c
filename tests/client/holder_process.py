"""Holders in a process of their own: `python -m tests.client.holder_process NATS HOW THING TIMES`.

HOW is what is done with the number that is kept with THING. `count`: two clients add one to it, TIMES times each, under
the lock; `count-unlocked`: without. `stopped`: one takes the lock, is stopped (SIGSTOP, by itself), and then writes.
What came of it is a line of JSON.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable
from contextlib import nullcontext
from typing import Any

from labstow.client import AsyncLabstow
from labstow.contracts.errors import Refusal
from labstow.contracts.queries import Get
from labstow.contracts.resource import Patch, Update


async def add_one(lab: AsyncLabstow, thing: str, *, locked: bool) -> None:
    """Read the number, and write another one."""
    async with lab.lock(thing, ttl_s=5, wait_s=60) if locked else nullcontext() as held:
        count = (await lab.ask(Get(resource_id=thing))).attributes["count"]
        more = Update(resource_id=thing, changes=Patch(attributes={"count": int(str(count)) + 1}))
        await (held.ask(more) if held else lab.ask(more))


async def count(lab: AsyncLabstow, thing: str, times: int, *, locked: bool = True) -> int:
    """Add one, that often."""
    for _ in range(times):
        await add_one(lab, thing, locked=locked)
    return times


async def stopped(lab: AsyncLabstow, thing: str, number: int) -> dict[str, Any]:
    """Fall asleep as the holder, and write when awake: as one should, and then as one should not."""
    write = Update(resource_id=thing, changes=Patch(attributes={"count": number}))
    guard, told = lab.lock(thing, ttl_s=1), {}
    try:
        async with guard:
            os.kill(os.getpid(), signal.SIGSTOP)
            told["inside"] = await said(guard.ask(write))
    except Refusal as refusal:
        told["at the end"] = refusal.problem()
    return told | {"behind": await said(lab.ask(write, leases=[guard.lease_id]))}


async def said(asked: Awaitable[Any]) -> dict[str, Any] | None:
    """How something is refused, if it is."""
    try:
        await asked
    except Refusal as refusal:
        return refusal.problem()
    return None


async def main(nats_url: str, how: str, thing: str, number: str) -> None:
    async with AsyncLabstow(nats_url, actor="one holder") as one, AsyncLabstow(nats_url, actor="another") as other:
        if how == "stopped":
            print(json.dumps(await stopped(one, thing, int(number))))
        else:
            both = (count(lab, thing, int(number), locked=how == "count") for lab in (one, other))
            print(json.dumps(await asyncio.gather(*both)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

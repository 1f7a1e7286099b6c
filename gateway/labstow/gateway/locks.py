"""Locks over REST: in the shapes of MADSci's clients, and as workers know them."""

import math
from collections.abc import Callable
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from labstow.contracts.errors import AnswerTooLarge, Held, InLine, LeaseLost
from labstow.gateway import cookies
from labstow.gateway.answers import known, passed, tagged, whole
from labstow.gateway.edge import MadsciRoute, Refused, Route, actor, ask, body, json, problem, settings
from labstow.gateway.madsci.shown import shown
from labstow.gateway.openapi import RESOURCE_ID, asks, takes
from labstow.gateway.parameters import MOMENT, NUMBER, TEXT, TEXTS, WHOLE, parameters

Json = dict[str, Any]

LOCK: Final = {"lock_duration": NUMBER, "client_id": TEXT}
UNLOCK: Final = {"client_id": TEXT}
LISTED: Final = {"holder": TEXT, "older_than_s": NUMBER, "limit": WHOLE, "after": TEXT}
THINGS: Final = {"resource_id": TEXTS}
SPAN: Final = THINGS | {"since": MOMENT, "until": MOMENT, "holder": TEXT}

THING: Final = "resource"
"""Under this name the worker shows the resource that was locked or unlocked."""
LEASE: Final = "01M7ZQPSHVEFGKGX3AXV289NGE"
TAKE: Final = {"resource_ids": [RESOURCE_ID], "ttl_s": 60, "wait_s": 30, "purpose": "weighing"}
TICKET: Final = {"ticket": LEASE}


def held(told: Json) -> str:
    """Who has it, and when it will be free."""
    by, left_s = told.get("session") or told["holder"], math.ceil(told["expires_in_ms"] / 1000)
    return f"{told['name']} is locked by {by}: free in {left_s} s, if not released before"


def in_line(told: Json) -> str:
    """That others are next."""
    return f"{told['name']} is free, but {told['waiters']} others wait for it already: try again later"


IMPATIENT: Final[dict[str, Callable[[Json], str]]] = {Held.code: held, InLine.code: in_line}
"""What is said to who has no way to wait, instead of how to."""


def strict(request: Request) -> bool:
    """Whether a client of MADSci must show that it is the one that locked, which its cookies do."""
    return settings(request).compat_locks == "strict"


router = APIRouter(route_class=MadsciRoute, tags=["locks"])
ours = APIRouter(route_class=Route, tags=["locks"])


@router.post("/resource/{resource_id}/lock", openapi_extra=asks(LOCK))
async def lock(request: Request, resource_id: str) -> Response:
    """Lock a resource for some seconds, or, if `client_id` has locked it already, for that long from now."""
    told = parameters(request, LOCK)
    session = named(request, told)
    ttl_s = told.get("lock_duration", settings(request).lock_default_duration_s)
    command = {"resource_ids": [known(resource_id)], "ttl_s": ttl_s, "session": session, "lenient": True}
    try:
        granted = orjson.loads(await ask(request, "lock.acquire", command, fill=THING))
    except Refused as refused:
        if not (words := IMPATIENT.get(refused.reply.code)):
            raise
        told = orjson.loads(refused.reply.body)
        return problem(refused.reply.status, orjson.dumps(told | {"detail": words(told)}))
    answer = await read(request, resource_id, granted, locked_by=session, locked_until=granted["expires_at"])
    if strict(request) and (lease := granted.get("lease_id") or cookies.lease_on(request, known(resource_id))):
        cookies.keep_lease(answer, known(resource_id), lease, ttl_s)
    return answer


@router.delete("/resource/{resource_id}/unlock", openapi_extra=asks(UNLOCK))
async def unlock(request: Request, resource_id: str) -> Response:
    """Give back what `client_id` has locked. 403 if it has not, or not any more."""
    command = {"session": named(request, parameters(request, UNLOCK)), "resource_ids": [known(resource_id)]}
    try:
        released = orjson.loads(await ask(request, "lock.release", command, fill=THING))
    except Refused as refused:
        if refused.reply.code != LeaseLost.code:
            raise
        # Their client takes 403 for "not yours", and everything else for a failure of ours.
        return problem(403, orjson.dumps(orjson.loads(refused.reply.body) | {"status": 403}))
    answer = await read(request, resource_id, released)
    if strict(request):
        cookies.forget_lease(answer, known(resource_id))
    return answer


@router.get("/resource/{resource_id}/check_lock")
async def check_lock(request: Request, resource_id: str) -> Response:
    """Tell whether a resource is locked, and by whom; nobody has locked what was left by force and is not given yet."""
    (now,) = orjson.loads(await ask(request, "lock.status", {"resource_ids": [known(resource_id)]}))["locks"]
    by = now.get("session") or now.get("holder")
    return json({"resource_id": resource_id, "is_locked": now["state"] != "free", "locked_by": by})


@ours.post("/locks", openapi_extra=takes(TAKE))
async def acquire(request: Request) -> Response:
    """Take a lease on up to 64 things, all or none; with `wait_s`, stand in line where they are not free.

    Present its `lease_id` in the header `Labstow-Lease` with everything that is to change them.
    """
    return await passed(request, "lock.acquire", await body(request))


@ours.post("/locks/await", openapi_extra=takes(TICKET))
async def wait(request: Request) -> Response:
    """Ask about a place in line: answered when the lease is granted, or after some seconds with the position."""
    return await passed(request, "lock.await", await body(request))


@ours.post("/locks/cancel", openapi_extra=takes(TICKET))
async def cancel(request: Request) -> Response:
    """Give up a place in line; if the lease was granted before that, it is answered."""
    return await passed(request, "lock.cancel", await body(request))


@ours.post("/locks/renew", openapi_extra=takes({"lease_id": LEASE, "ttl_s": 60}))
async def renew(request: Request) -> Response:
    """Let a lease last for `ttl_s` from now, or as long as it was taken for. What is over stays over."""
    return await passed(request, "lock.renew", await body(request))


@ours.post("/locks/release", openapi_extra=takes({"lease_id": LEASE, "resource_ids": [RESOURCE_ID]}))
async def release(request: Request) -> Response:
    """Give a lease back, or some of its things."""
    return await passed(request, "lock.release", await body(request))


@ours.post("/locks/break", openapi_extra=takes({"resource_id": RESOURCE_ID, "reason": "the arm is stuck"}))
async def break_(request: Request) -> Response:
    """End a lease by force: its holder can change nothing any more. Everybody is told who did it, and why."""
    return await passed(request, "lock.break", await body(request))


@ours.get("/locks", openapi_extra=asks(LISTED))
async def leases(request: Request) -> Response:
    """Read who holds what, oldest first; `next` of one page is `after` of the next."""
    return await passed(request, "lock.list", parameters(request, LISTED))


@ours.get("/locks/status", openapi_extra=asks(THINGS))
async def status(request: Request) -> Response:
    """Read how things stand with some things, at one moment: free, held by whom, who waits."""
    return await passed(request, "lock.status", {"resource_ids": parameters(request, THINGS).get("resource_id", [])})


@ours.get("/locks/usage", openapi_extra=asks(SPAN))
async def usage(request: Request) -> Response:
    """Read for how long things were locked between two moments, by whom; `until` may be now."""
    told = parameters(request, SPAN)
    if "resource_id" in told:
        told["resource_ids"] = told.pop("resource_id")
    return await passed(request, "lock.usage", told)


def named(request: Request, told: Json) -> str:
    """The client that locks or unlocks; who does not say is all of the caller's clients at once."""
    return told.get("client_id") or actor(request)


async def read(request: Request, resource_id: str, told: Json, **lock: str) -> Response:
    """A resource in their shape, with its lock: as the worker told it, which leaves out what it cannot read at once.

    If there is too much in it for one answer it is given without that: the lock is taken all the same.
    """
    try:
        thing = told.get(THING) or await whole(request, resource_id)
    except Refused as refused:
        if refused.reply.code != AnswerTooLarge.code:
            raise
        thing = {**await whole(request, resource_id, children=False), "unread": True}
    return tagged(shown(thing) | lock, thing["version"])

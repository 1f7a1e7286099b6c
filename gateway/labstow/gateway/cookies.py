"""Cookies: what MADSci's clients keep for us and bring along, since their HTTP clients do that by themselves."""

import math
from typing import Final

from fastapi import Request, Response

from labstow.contracts.ulids import is_ulid, new_ulid

CLIENT: Final = "labstow_client"
"""By which requests of one client are known: what they ask with keeps it, and nobody else has it."""
LEASE: Final = "labstow_lease_"
"""And the id of a resource: the lease that the client has on it."""
MANY: Final = 63
"""Leases that are brought along; the last ones, if there are more."""
LATE_S: Final = 60
"""For how long whoever held a lease is told that it is over, and not taken for somebody who never had one."""


def client(request: Request) -> str | None:
    """By what a client is known that asks here."""
    known = request.cookies.get(CLIENT)
    return known if is_ulid(known) else None


def recognise(response: Response) -> None:
    """Let a client be known from now on."""
    response.set_cookie(CLIENT, new_ulid(), httponly=True, samesite="strict")


def leases(request: Request) -> list[str]:
    """The leases that a client was given to keep."""
    held = [value for name, value in request.cookies.items() if name.startswith(LEASE) and is_ulid(value)]
    return held[-MANY:]


def lease_on(request: Request, resource_id: str) -> str | None:
    """The one it has on a resource."""
    held = request.cookies.get(LEASE + resource_id)
    return held if is_ulid(held) else None


def keep_lease(response: Response, resource_id: str, lease_id: str, seconds: float) -> None:
    """Give a client a lease to keep, as long as that lasts and a little longer."""
    age = math.ceil(seconds) + LATE_S
    response.set_cookie(LEASE + resource_id, lease_id, max_age=age, httponly=True, samesite="strict")


def forget_lease(response: Response, resource_id: str) -> None:
    """Let a client keep no lease on a resource any more."""
    response.delete_cookie(LEASE + resource_id, httponly=True, samesite="strict")

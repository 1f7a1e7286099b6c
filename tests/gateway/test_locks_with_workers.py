"""Locks over REST, with real workers behind it."""

import asyncio
from typing import Any

import httpx
import pytest

from labstow.client import AsyncLabstow
from labstow.contracts import lock
from labstow.contracts.errors import Held
from labstow.contracts.quantities import SetQuantity
from labstow.contracts.ulids import new_ulid
from tests.conftest import refusal, until
from tests.gateway.lab import Json

pytestmark = pytest.mark.system

ADA, GRACE = {"X-Owner": "ada"}, {"X-Owner": "grace"}


async def things(rest: httpx.AsyncClient, count: int = 1) -> list[str]:
    """Bottles with nothing in them."""
    bottle = {"resource_name": "bottle", "base_type": "consumable"}
    return [str((await rest.post("/resource/add", json=bottle)).json()["resource_id"]) for _ in range(count)]


async def leased(rest: httpx.AsyncClient, *ids: str, **how: Any) -> Json:
    """A lease that ada has."""
    answer = await rest.post("/locks", json={"resource_ids": ids, **how}, headers=ADA)
    assert answer.status_code == 200, answer.text
    told: Json = answer.json()
    return told


def proof(*lease_ids: str) -> dict[str, str]:
    """The headers of ada, who presents leases."""
    return ADA | {"Labstow-Lease": ", ".join(lease_ids)}


async def test_what_is_leased_changes_by_who_presents_the_lease(rest: httpx.AsyncClient) -> None:
    """I2, I4: on MADSci's routes, on labstow's own, and in a batch. Seen to fail when the gateway drops the header."""
    first, second = await things(rest, 2)
    rack = {"resource_name": "rack", "base_type": "row", "columns": 2}
    rack_id = (await rest.post("/resource/add", json=rack)).json()["resource_id"]
    for key, bottle in ((0, first), (1, second)):
        await rest.post(f"/resource/{rack_id}/child/set", json={"key": key, "child": bottle})
    one, two = await leased(rest, first, ttl_s=60), await leased(rest, second)
    change = {"verb": "increase-quantity", "command": {"resource_id": first, "amount": 1}}
    requests: list[tuple[str, Json | None]] = [(f"/resource/{first}/quantity/increase?amount=1", None)]
    requests += [(f"/resource/{first}/swap", {"other_id": second}), ("/batch", {"steps": [change]})]
    for path, body in requests:
        for heads in (GRACE, ADA):
            answer = await rest.post(path, json=body, headers=heads)
            assert (answer.status_code, answer.json().get("holder")) == (423, "ada"), answer.text
            assert 1 <= int(answer.headers["retry-after"]) <= 60
        answer = await rest.post(path, json=body, headers=proof(one["lease_id"], two["lease_id"]))
        assert answer.status_code == 200, answer.text
    assert (await rest.post("/locks/release", json={"lease_id": one["lease_id"]}, headers=ADA)).status_code == 200
    answer = await rest.post(requests[0][0], headers=proof(one["lease_id"]))
    assert (answer.status_code, answer.json()["code"]) == (410, "lock.lost")
    assert (await rest.post(requests[0][0], headers=GRACE)).status_code == 200


async def test_a_lock_of_a_client_of_madsci_binds_everybody_who_is_not_one(
    rest: httpx.AsyncClient, client: AsyncLabstow
) -> None:
    """I2, I12: over NATS, on labstow's own routes, and by another name; nobody is told what would prove it.

    Seen to fail when the gateway treats all routes as it treats those of MADSci's clients.
    """
    (bottle,) = await things(rest)
    locked = await rest.post(f"/resource/{bottle}/lock?lock_duration=60&client_id=arm")
    assert locked.json()["locked_by"] == "arm"
    assert "lease_id" not in locked.text
    path = f"/resource/{bottle}/quantity?quantity=1"
    change = {"verb": "set-quantity", "command": {"resource_id": bottle, "quantity": 1}}
    assert (await rest.post("/batch", json={"steps": [change]})).status_code == 423
    assert (await rest.post(path, headers=GRACE)).status_code == 423
    assert (await refusal(client.ask(SetQuantity(resource_id=bottle, quantity=2)))).status == 423
    assert (await refusal(client.ask(lock.Acquire(resource_ids=(bottle,))))).code == Held.code
    assert (await rest.post(path)).status_code == 200
    (status,) = (await client.ask(lock.Status(resource_ids=(bottle,)))).locks
    assert (status.holder, status.session) == ("anonymous", "arm")


async def test_a_lease_over_nats_binds_clients_of_madsci(rest: httpx.AsyncClient, client: AsyncLabstow) -> None:
    (bottle,) = await things(rest)
    lease = await client.ask(lock.Acquire(resource_ids=(bottle,), purpose="weighing"))
    answer = await rest.post(f"/resource/{bottle}/lock?client_id=arm")
    assert (answer.status_code, answer.json()["purpose"]) == (409, "weighing")
    told = (await rest.get(f"/resource/{bottle}/check_lock")).json()
    assert (told["is_locked"], told["locked_by"]) == (True, "tester")
    assert (await rest.delete(f"/resource/{bottle}/unlock?client_id=arm")).status_code == 403
    assert (await rest.post(f"/resource/{bottle}/fill")).status_code == 423
    await client.ask(lock.Release(lease_id=lease.lease_id))
    assert (await rest.get(f"/resource/{bottle}/check_lock")).json()["is_locked"] is False


async def test_of_many_clients_of_madsci_that_lock_the_same_at_once_one_gets_it(rest: httpx.AsyncClient) -> None:
    """I1. Seen to fail when the gateway calls all clients of a caller by one name."""
    (bottle,) = await things(rest)
    names = [new_ulid() for _ in range(16)]
    answers = await asyncio.gather(*(rest.post(f"/resource/{bottle}/lock?client_id={name}") for name in names))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 15
    (holder,) = (answer.json()["locked_by"] for answer in answers if answer.status_code == 200)
    assert (await rest.get(f"/resource/{bottle}/check_lock")).json()["locked_by"] == holder
    freed = await asyncio.gather(*(rest.delete(f"/resource/{bottle}/unlock?client_id={name}") for name in names))
    assert sorted(answer.status_code for answer in freed) == [200] + [403] * 15


async def test_who_waits_gets_it_when_it_is_given_back(rest: httpx.AsyncClient) -> None:
    """I9, I10."""
    (bottle,) = await things(rest)
    lease = await leased(rest, bottle)
    queued = (await rest.post("/locks", json={"resource_ids": [bottle], "wait_s": 30}, headers=GRACE)).json()
    assert (queued["state"], queued["position"], "lease_id" in queued) == ("queued", 1, False)
    (waiting,) = (await rest.get(f"/locks/status?resource_id={bottle}")).json()["locks"]
    assert (waiting["holder"], waiting["waiters"], waiting["line"][0]["holder"]) == ("ada", 1, "grace")
    assert queued["ticket"] not in str(waiting)

    asked = asyncio.create_task(rest.post("/locks/await", json={"ticket": queued["ticket"]}, headers=GRACE))
    await rest.post("/locks/release", json={"lease_id": lease["lease_id"]}, headers=ADA)
    granted = (await asked).json()
    assert (granted["state"], granted["resource_ids"]) == ("granted", [bottle])
    assert granted["tokens"][bottle] > lease["tokens"][bottle]
    heads = GRACE | {"Labstow-Lease": granted["lease_id"]}
    assert (await rest.post(f"/resource/{bottle}/quantity?quantity=1", headers=heads)).status_code == 200


async def test_a_place_in_line_is_answered_in_time_and_can_be_given_up(rest: httpx.AsyncClient) -> None:
    """I10."""
    (bottle,) = await things(rest)
    await leased(rest, bottle)
    queued = (await rest.post("/locks", json={"resource_ids": [bottle], "wait_s": 30}, headers=GRACE)).json()
    ticket = {"ticket": queued["ticket"]}
    still = await rest.post("/locks/await", json=ticket, headers=GRACE)
    assert (still.status_code, still.json().get("state")) == (200, "queued"), still.text
    assert (await rest.post("/locks/cancel", json=ticket, headers=GRACE)).json()["state"] == "cancelled"
    gone = await rest.post("/locks/await", json=ticket, headers=GRACE)
    assert (gone.status_code, gone.json()["code"]) == (410, "lock.ticket_gone")


async def test_a_lease_is_renewed_listed_broken_and_accounted_for(rest: httpx.AsyncClient) -> None:
    """I3, I4."""
    who = new_ulid()
    first, second = await things(rest, 2)
    heads = {"X-Owner": who}
    body = {"resource_ids": [first, second], "ttl_s": 5, "purpose": "weighing"}
    lease = (await rest.post("/locks", json=body, headers=heads)).json()
    renewed = (await rest.post("/locks/renew", json={"lease_id": lease["lease_id"], "ttl_s": 90}, headers=heads)).json()
    assert renewed["expires_in_ms"] > 80_000
    assert renewed["tokens"] == lease["tokens"]
    (listed,) = (await rest.get(f"/locks?holder={who}")).json()["leases"]
    assert (set(listed["resource_ids"]), listed["purpose"]) == ({first, second}, "weighing")
    assert lease["lease_id"] not in str(listed)
    assert (await rest.get(f"/locks?holder={who}&older_than_s=3600")).json()["leases"] == []

    reason = {"resource_id": first, "reason": "the arm is stuck"}
    broken = (await rest.post("/locks/break", json=reason, headers=GRACE)).json()
    assert set(broken["resource_ids"]) == {first, second}
    assert broken["tokens"][second] > lease["tokens"][second]
    lost = await rest.post("/locks/renew", json={"lease_id": lease["lease_id"]}, headers=heads)
    assert (lost.status_code, lost.json()["code"]) == (410, "lock.lost")

    async def accounted_for() -> bool:
        read = await rest.get(f"/locks/usage?since={lease['at'][:10]}&resource_id={first}&resource_id={second}")
        assert read.status_code == 200, read.text
        shares = read.json()["shares"]
        return {(share["resource_id"], share["holder"], share["grants"]) for share in shares} == {
            (first, who, 1),
            (second, who, 1),
        }

    await until(accounted_for)


async def test_a_repeated_request_is_one_lease(rest: httpx.AsyncClient) -> None:
    """I32, I33."""
    (bottle,) = await things(rest)
    heads = ADA | {"Idempotency-Key": new_ulid()}
    answers = [await rest.post("/locks", json={"resource_ids": [bottle]}, headers=heads) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[0].status_code == 200

"""What is locked, attached and detached over REST, with real workers behind it."""

import httpx
import pytest

from labstow.contracts.ulids import new_ulid

pytestmark = pytest.mark.system

ADA, GRACE, NOBODY = {"X-Owner": "ada"}, {"X-Owner": "grace"}, dict[str, str]()


async def scene(rest: httpx.AsyncClient) -> tuple[str, list[tuple[str, str]]]:
    """A plate, and what attaches it to a place with nothing, and detaches it."""
    plate = (await rest.post("/resource/add", json={"resource_name": "plate"})).json()["resource_id"]
    place = f"bench.{new_ulid()}"
    assert (await rest.post("/location", json={"location_name": place})).status_code == 200
    attach = f"/location/{place}/attach_resource?resource_id={plate}"
    return plate, [("POST", attach), ("DELETE", f"/location/{place}/detach_resource")]


async def test_what_is_leased_is_attached_by_who_presents_the_lease(rest: httpx.AsyncClient) -> None:
    """I2, I4: these paths are MADSci's, but nobody passes by a lease."""
    plate, requests = await scene(rest)
    lease = (await rest.post("/locks", json={"resource_ids": [plate]}, headers=ADA)).json()["lease_id"]
    for request in requests:
        for heads in (ADA, GRACE, NOBODY):
            answer = await rest.request(*request, headers=heads)
            assert (answer.status_code, answer.json()["holder"]) == (423, "ada")
            assert int(answer.headers["retry-after"]) >= 1
        assert (await rest.request(*request, headers=ADA | {"Labstow-Lease": lease})).status_code == 200
    await rest.post("/locks/release", json={"lease_id": lease}, headers=ADA)
    answer = await rest.request(*requests[0], headers=ADA | {"Labstow-Lease": lease})
    assert (answer.status_code, answer.json()["code"]) == (410, "lock.lost")


async def test_a_client_of_madsci_attaches_what_it_has_locked(rest: httpx.AsyncClient) -> None:
    """I2: its location client cannot say what its resource client has locked; another name is refused."""
    plate, requests = await scene(rest)
    for heads in (GRACE, NOBODY):
        lock = f"/resource/{plate}/lock?lock_duration=60&client_id=arm"
        assert (await rest.post(lock, headers=heads)).status_code == 200
        for request in requests:
            assert (await rest.request(*request, headers=ADA)).status_code == 423
            assert (await rest.request(*request, headers=heads)).status_code == 200
        assert (await rest.delete(f"/resource/{plate}/unlock?client_id=arm", headers=heads)).status_code == 200

"""A transfer worker at work, without a broker: a test has places changed and things carried, and asks about them."""

import asyncio
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from labstow.contracts.errors import Refusal
from labstow.contracts.location import AddLocation
from labstow.contracts.message import Command, Request
from labstow.contracts.template import CreateTemplate
from labstow.contracts.transfer import AbortTransfer, BeginTransfer, CompleteTransfer, Errand
from labstow.contracts.ulids import is_ulid, new_ulid
from labstow.workers.kit.call import Call
from labstow.workers.kit.leases import hashed
from labstow.workers.kit.noun import By
from labstow.workers.kit.settings import Settings
from labstow.workers.kit.unit import Unit
from labstow.workers.lock.policy import Policies
from labstow.workers.template.noun import TEMPLATE
from labstow.workers.template.repository import Repository as Templates
from labstow.workers.transfer import worker as transfer
from labstow.workers.transfer.noun import TRANSFER
from labstow.workers.transfer.repository import Repository as Places
from tests.conftest import until
from tests.workers import lease_desk
from tests.workers.lease_desk import NOWHERE, Json, Served, answer, serving

ARM: Final = "arm"


class Desk(lease_desk.Desk):
    """Four writers of a worker process: of places and transfers, of locks, of things, of templates."""

    def __init__(self, url: str, policies: Policies | None = None) -> None:
        super().__init__(url, policies)
        self.places: Unit[Any] = Unit(url, TRANSFER, Places(policies or {}))
        self.templates: Unit[Any] = Unit(url, TEMPLATE, Templates())

    @property
    def units(self) -> tuple[Unit[Any], ...]:
        return (self.places, self.locks, self.things, self.templates)

    def unit_of(self, command: Command[Any]) -> Unit[Any]:
        if type(command) in TRANSFER.rules:
            return self.places
        return self.templates if type(command) in TEMPLATE.rules else super().unit_of(command)

    async def place(self, name: str, thing: str | None = None, **fields: Any) -> str:
        """The id of a new location."""
        new = {"name": name, "resource_id": thing, **fields}
        return str((await self.ask(AddLocation.model_validate({"location": new})))["location_id"])

    async def nest(self, name: str, kind: str = "slot", **fields: Any) -> str:
        """The id of a container that is attached to a new location."""
        await self.place(name, made := await self.add(kind, **fields))
        return made

    async def template(self, name: str, **fields: Any) -> None:
        """A template of things."""
        resource = {"base_type": "slot", **fields.pop("resource", {})}
        await self.ask(CreateTemplate.model_validate({"name": name, "resource": resource, **fields}))

    async def begin(self, thing: str, target: str, by: str = "ada", leases: Iterable[str] = (), **fields: Any) -> Json:
        return await self.ask(beginning(thing, target, **fields), by, leases)

    async def complete(self, begun: Json, by: str = "ada", **how: Any) -> Json:
        return await self.ask(CompleteTransfer(transfer_id=begun["transfer_id"]), by, **how)

    async def abort(self, begun: Json, left: str = "source", by: str = "ada", **how: Any) -> Json:
        reason = how.pop("reason", None)
        command = {"transfer_id": begun["transfer_id"], "left": left, "reason": reason}
        return await self.ask(AbortTransfer.model_validate(command), by, **how)

    async def close(self) -> None:
        for unit in self.units:
            await unit.close()


def beginning(thing: str, target: str, node: str = ARM, position: Any = None, **fields: Any) -> BeginTransfer:
    """A command that begins a transfer to a location, by name, or into a container."""
    to = {"container_id" if is_ulid(target) else "target": target, "position": position}
    errand = Errand.model_validate({"resource_id": thing, "node": node, **to})
    return BeginTransfer.model_validate({"errand": errand.model_dump(exclude_unset=True), **fields})


class PlaceWorker(Served):
    """A transfer worker that is served: it sweeps, hears nodes, and answers questions."""

    def __init__(self, url: str, redis_url: str) -> None:
        super().__init__(transfer.make(Settings(postgres_url=url, redis_url=redis_url)))

    async def ask(self, request: Request[Any], by: str = "ada", leases: Iterable[str] = (), **how: Any) -> Json:
        """The answer, as its contract has it.

        Raises:
            Refusal: what the worker says.
        """
        answered: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()

        async def take(status: int, body: bytes) -> None:
            answered.set_result((status, body))

        proofs = tuple(map(hashed, leases))
        call = Call(request, By(by, "test", how.get("op_id") or new_ulid(), None, proofs), take)
        assert self._lanes[type(request)](request).put(call)
        status, body = await answered
        told = answer(status, body)
        type(request).answer.model_validate(told)
        return told

    async def code(self, request: Request[Any], **how: Any) -> str:
        """The code of the refusal; "" if it is answered."""
        try:
            await self.ask(request, **how)
        except Refusal as refusal:
            return refusal.code
        return ""

    async def rings(self) -> None:
        """Wait until it is connected to Redis."""

        async def it_does() -> bool:
            return self._bell.problem is None

        await until(it_does)


def place_worker(url: str, redis_url: str = NOWHERE) -> AbstractAsyncContextManager[PlaceWorker]:
    """A transfer worker that serves."""
    return serving(PlaceWorker(url, redis_url))

"""Holding things: what is locked stays so while its holder works, and a holder who loses it is told at once."""

import asyncio
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from labstow.client.bus import BUDGET
from labstow.client.claim import Claim, Term
from labstow.contracts.errors import LeaseLost
from labstow.contracts.lock import Acquire, Token
from labstow.contracts.message import Answer, Request

if TYPE_CHECKING:
    from labstow.client.async_labstow import AsyncLabstow

A = TypeVar("A", bound=Answer)


class Guard:
    """Some things, held while we are inside.

    async with lab.lock(plate_id, nest_id, wait_s=30) as held:
        await held.ask(Move(resource_id=plate_id, container_id=nest_id))

    The lease is renewed all the while. When it is lost all the same, because somebody broke it or it could not be
    renewed in time, the task that entered is cancelled, and `async with` raises `LeaseLost`. What blocks the event
    loop prevents renewal, too: run that in a thread.
    """

    def __init__(self, lab: "AsyncLabstow", acquire: Acquire, *, renew: bool = True) -> None:
        self._lab = lab
        self._acquire = acquire
        self._renews = renew
        self._claim = Claim(lab, acquire)
        self._term = Term(0, 0)
        self._loss: LeaseLost | None = None
        self._task: asyncio.Task[object] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._cancelling = 0
        self._interrupted = False

    @property
    def lease_id(self) -> str:
        """The secret that proves the lease: for `leases` of `AsyncLabstow.ask`."""
        return self._claim.lease_id

    @property
    def tokens(self) -> dict[str, Token]:
        """The fencing token of each thing: for devices, so that they can refuse an older holder."""
        return self._claim.tokens

    @property
    def left(self) -> float:
        """Seconds for which the things are surely ours, unless the lease is renewed; 0 when they are not."""
        return 0 if self._loss else max(0, self._term.end - time.monotonic())

    @property
    def lost(self) -> bool:
        """Whether the things are not surely ours, or not any more."""
        return not self.left

    async def ask(self, request: Request[A], *, op_id: str | None = None, budget: float = BUDGET) -> A:
        """Ask as the holder: as `AsyncLabstow.ask` does, but only while the things are surely ours.

        Raises:
            LeaseLost: they are not any more; nothing was done.
            Refusal: any other no.
        """
        if not (left := self.left):
            raise self._lose()
        try:
            return await self._lab.ask(request, op_id=op_id, budget=min(budget, left), leases=[self.lease_id])
        except LeaseLost as loss:
            self._lose(loss)
            raise

    async def __aenter__(self) -> Self:
        acquire = self._acquire.model_copy(update={"session": self._lab.session})  # of the task that enters
        self._claim = Claim(self._lab, acquire)
        self._term = await self._claim.take()
        self._loss, self._interrupted = None, False
        self._task = asyncio.current_task()
        if self._task and self._renews:
            self._cancelling = self._task.cancelling()
            self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task, self._task = self._task, None  # from here on nobody is interrupted
        if self._keeper:
            self._keeper.cancel()
        ours = self._interrupted and task is not None and task.uncancel() <= self._cancelling
        loss = self._lose() if self.lost else None
        self._lose(LeaseLost(how="released"))
        refused = await self._claim.give_back()
        loss = loss or refused
        if loss and (kind is None or (ours and kind is asyncio.CancelledError)):
            raise loss

    async def _keep(self) -> None:
        """Renew the lease in time; when that does not work, interrupt the task that entered."""
        try:
            while True:
                await asyncio.sleep(self._term.due - time.monotonic())
                self._term = await self._claim.renew(self._term.end)
        except LeaseLost as loss:
            self._lose(loss)
        finally:
            if self._task:
                self._lose()
                self._interrupted = True
                self._task.cancel()

    def _lose(self, loss: LeaseLost | None = None) -> LeaseLost:
        """Note that the lease is over, for good, and by what it was first."""
        self._loss = self._loss or loss or LeaseLost(how="not renewed in time")
        return self._loss

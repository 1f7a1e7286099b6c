"""Answers that a lock service must never give, each where it can be told for sure that it is wrong."""

from collections.abc import Callable
from typing import Final, NamedTuple

from tests.locks.histories import Facts
from tests.locks.simulated.crowd import Lie, Request
from tests.locks.simulated.service import Kept, LockService
from tests.locks.simulated.sessions import TTL


class Where(NamedTuple):
    """A request that is about to be answered."""

    kept: list[Kept]
    lease: str | None
    """The one it presents."""
    called: float
    now: float

    def is_held(self) -> bool:
        return any(each.is_surely_live(self.now) for each in self.kept)

    def is_held_by_another(self) -> bool:
        return any(each.is_surely_live(self.now) and each.lease != self.lease for each in self.kept)

    def is_mine(self) -> bool:
        return self.lease is not None and self.is_held() and not self.is_held_by_another()

    def is_nearly_over(self) -> bool:
        return self.is_held() and all(each.surely_until < self.now + TTL / 5 for each in self.kept)

    def has_expired(self) -> bool:
        return any(each.lease and each.lease == self.lease and self.called > each.ends + TTL / 2 for each in self.kept)

    def has_been_ended(self) -> bool:
        return self.lease is not None and self.is_free()

    def is_free(self) -> bool:
        return all(each.lease is None for each in self.kept)


def _instead(kind: str, where: Callable[[Where], bool], answer: Callable[..., Facts]) -> Lie[LockService]:
    def lie(service: LockService, request: Request, called: float, now: float) -> Facts | None:
        kept = [service.kept[each] for each in request.resources]
        fits = request.kind == kind and where(Where(kept, request.arguments.get("lease"), called, now))
        return answer(service, request, called, now) if fits else None

    return lie


def _grant_with_the_last_token(service: LockService, request: Request, called: float, now: float) -> Facts:
    for each in request.resources:
        service.kept[each].token -= 1
    return service.do(request, called, now)


def _tell(answer: str) -> Callable[..., Facts]:
    return lambda _service, request, _called, _now: {"answer": answer, "because": request.resources, "value": "odd"}


SECOND_GRANT: Final = _instead("acquire", Where.is_held, LockService.do)
LIES: Final = {
    "a second grant": SECOND_GRANT,
    "a grant before the expiry": _instead("acquire", Where.is_nearly_over, LockService.do),
    "a token repeated": _instead("acquire", Where.is_free, _grant_with_the_last_token),
    "a write to what another holds": _instead("write", Where.is_held_by_another, LockService.do),
    "a write after the expiry": _instead("write", Where.has_expired, LockService.do),
    "a write after a release or break": _instead("write", Where.has_been_ended, LockService.do),
    "a renewal after the expiry": _instead("renew", Where.has_expired, LockService.do),
    "a release after the expiry": _instead("release", Where.has_expired, LockService.do),
    "held by nobody": _instead("acquire", Where.is_free, _tell("held")),
    "lost though held": _instead("write", Where.is_mine, _tell("lost")),
    "read though never written": _instead("read", Where.is_free, _tell("ok")),
}

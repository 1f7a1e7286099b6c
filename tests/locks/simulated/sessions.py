"""Sessions at the lock service: they lease, write and give back, and often behave badly."""

from collections.abc import Sequence
from itertools import count
from random import Random
from typing import Final

from tests.locks.histories import Facts
from tests.locks.simulated.crowd import Lie, Request, Session, Told, crowd
from tests.locks.simulated.service import LockService

TTL: Final = 0.25


def lock_history(seed: int, resources: int, size: int = 5000, lie: Lie[LockService] | None = None) -> Told:
    """What eight sessions are told by the service."""
    dice = Random(seed)
    names = [f"plate-{number}" for number in range(resources)]
    return crowd(LockService(names), [session(dice, names) for _ in range(8)], size, dice, lie)


def session(dice: Random, resources: Sequence[str]) -> Session:
    """Somebody who leases one or several resources again and again, and often behaves badly."""
    for number in count():
        one = dice.choice(resources)
        wanted = tuple(dice.sample(resources, min(dice.choice([1, 1, 1, 1, 1, 2, 3, 4]), len(resources))))
        match dice.randrange(20):
            case 0:
                yield Request("read", (one,))
            case 1:
                yield Request("write", (one,), {"value": f"{number} without a lease"})
            case 2 if dice.random() < 0.3:
                yield Request("break", (one,))
        told = yield Request("acquire", wanted, {"ttl": TTL, "wait": dice.choice([0.0, 0.1])}, dice.random() * 0.02)
        if told["answer"] == "granted":
            yield from _hold(dice, wanted, told["lease"], told["tokens"])


def _hold(dice: Random, resources: tuple[str, ...], lease: str, tokens: dict[str, int]) -> Session:
    told: Facts = {}
    for number in range(dice.randrange(8)):
        one = dice.choice(resources)
        pause = 2 * TTL if dice.random() < 0.03 else dice.random() * 0.02
        match dice.randrange(6):
            case 0:
                told = yield Request("read", (one,), {}, pause)
            case 1:
                told = yield Request("renew", resources, {"lease": lease, "ttl": dice.choice([TTL, TTL / 2])}, pause)
            case _:
                proof = {"lease": lease, "tokens": {one: tokens[one]}}
                told = yield Request("write", (one,), proof | {"value": f"{number} of {lease}"}, pause)
        if told["answer"] == "lost" and dice.random() < 0.7:
            return
    if dice.random() < 0.9:
        told = yield Request("release", resources, {"lease": lease}, dice.random() * 0.02)
    if dice.random() < 0.1:
        yield Request("write", resources[:1], {"lease": lease, "value": f"after {lease}"}, dice.random() * 0.1)

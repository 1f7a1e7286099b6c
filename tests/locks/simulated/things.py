"""A stock and a shelf that many sessions use at once, and what must not happen to either."""

from collections.abc import Sequence
from itertools import count
from random import Random
from typing import Final

from tests.locks.histories import Facts
from tests.locks.simulated.crowd import Lie, Request, Session, Told, crowd


class Stock:
    """How much there is of something."""

    def __init__(self) -> None:
        self.quantity = 0

    def answer(self, request: Request, _called: float, _now: float) -> Facts:
        """Change it, unless there is not enough."""
        if request.kind == "read":
            return {"answer": "ok", "quantity": self.quantity}
        if self.quantity + request.arguments["by"] < 0:
            return {"answer": "not enough"}
        self.quantity += request.arguments["by"]
        return {"answer": "ok"}


class Shelf:
    """Items in a line, of which the first (`pops` 0) or the last (-1) is taken."""

    def __init__(self, pops: int, room: int) -> None:
        self.items: list[str] = []
        self.pops, self.room = pops, room

    def answer(self, request: Request, _called: float, _now: float) -> Facts:
        """Put an item there, or take one."""
        if request.kind == "push":
            if len(self.items) == self.room:
                return {"answer": "full"}
            self.items.append(request.arguments["item"])
            return {"answer": "ok"}
        return {"answer": "ok", "item": self.items.pop(self.pops)} if self.items else {"answer": "empty"}


def lost_change(_stock: Stock, request: Request, _called: float, _now: float) -> Facts | None:
    """What is brought is forgotten at once."""
    return {"answer": "ok"} if request.kind == "change" and request.arguments["by"] > 0 else None


def popped_twice(shelf: Shelf, request: Request, _called: float, _now: float) -> Facts | None:
    """An item is given away, and stays where it is."""
    gives = request.kind == "pop" and shelf.items
    return {"answer": "ok", "item": shelf.items[shelf.pops]} if gives else None


def put_on_top(shelf: Shelf, request: Request, _called: float, _now: float) -> Facts | None:
    """An item takes the place of another, as if there were room."""
    if request.kind == "push" and len(shelf.items) == shelf.room:
        shelf.items[-1] = request.arguments["item"]
        return {"answer": "ok"}
    return None


SIZE: Final = 2000


def stock_history(seed: int, lie: Lie[Stock] | None = None) -> Told:
    """What eight sessions are told who take, bring and look."""
    dice = Random(seed)
    return crowd(Stock(), [_trade(dice) for _ in range(8)], SIZE, dice, lie)


def shelf_history(seed: int, pops: int, room: int, lie: Lie[Shelf] | None = None) -> Told:
    """What three sessions are told who push and pop."""
    dice = Random(seed)
    sessions: Sequence[Session] = [_shift(dice, name) for name in ("ann", "bob", "cyd")]
    return crowd(Shelf(pops, room), sessions, SIZE, dice, lie)


def _trade(dice: Random) -> Session:
    while True:
        if dice.random() < 0.2:
            yield Request("read", ("water",))
        else:
            yield Request("change", ("water",), {"by": dice.randint(-2, 2)}, dice.random() * 0.02)


def _shift(dice: Random, name: str) -> Session:
    for number in count():
        if dice.random() < 0.5:
            yield Request("push", ("rack",), {"item": f"{name}'s {number}"}, dice.random() * 0.02)
        else:
            yield Request("pop", ("rack",), pause=dice.random() * 0.02)

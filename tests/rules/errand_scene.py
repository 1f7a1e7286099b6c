"""A small laboratory for errands: a plate in a rack, a slot, a bench."""

from collections.abc import Callable
from typing import Any

from labstow.contracts.errors import Refusal
from tests.rules.errand_room import RAIL, ErrandRoom
from tests.rules.lock_room import BOB
from tests.rules.room import Json


class Scene:
    """A plate in a rack, which is at home; a slot, which is on deck; a bench with nothing."""

    def __init__(self, lab: ErrandRoom) -> None:
        self.lab = lab
        self.rack = lab.add("container", name="rack")
        self.plate = lab.add("grid", self.rack, name="plate", position="x")
        self.slot = lab.add("slot", name="nest")
        lab.place("home", self.rack)
        lab.place("deck", self.slot)
        lab.place("bench")

    def thing(self, kind: str = "resource", at: str | None = None, **fields: Any) -> str:
        """One more thing, at a location of its own."""
        made = self.lab.add(kind, **fields)
        if at is not None:
            self.lab.place(at, made)
        return made

    def carried(self, target: str, **how: Any) -> Json:
        """Something else, on its way to a target."""
        count = len(self.lab.lab.locations)
        return self.lab.begin(self.thing(at=f"spot-{count}"), target, **{"node": RAIL, "by": BOB, **how})


def refused(asked: Callable[..., Any], *args: Any, **how: Any) -> str:
    """The code of the refusal that it ends in; "" if it is done."""
    try:
        asked(*args, **how)
    except Refusal as refusal:
        return refusal.code
    return ""

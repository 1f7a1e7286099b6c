"""The same decision on a lab of which only a part was loaded, as it is from a database."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from labstow.contracts.errors import Refusal
from labstow.contracts.message import Command
from labstow.contracts.resource import NewResource
from labstow.workers.kit.noun import By, Change, Footprint, Wanted
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.noun import RESOURCE
from labstow.workers.resource.thing import Thing

ENOUGH: Final = 6
"""So often at most a command is loaded for, however much it names: a worker gives up after 20."""


class Decision(NamedTuple):
    """What a command comes to, and what was loaded for that, in how many rounds."""

    comes_to: object
    """The code of its refusal, or what changes."""
    footprint: Footprint
    rounds: int


def loaded(full: Lab, footprint: Footprint) -> Lab:
    """What a repository would bring for a footprint."""
    part = Lab(tree_locked=footprint.tree, things={each: full.things.get(each) for each in footprint.rows})
    part.spots = {spot: full.spots.get(spot) for spot in footprint.spots}
    for root in footprint.subtrees:
        part.children[root] = []
        for parent, child in below(full, root):
            part.children.setdefault(child.id, [])
            part.children.setdefault(parent, []).append(child.id)
            if child.position is not None:
                part.spots[parent, child.position] = child.id
    for start in footprint.lines:
        line: str | None = start
        while line is not None and (thing := full.things.get(line)) is not None:
            part.parents[line] = thing.parent_id
            line = thing.parent_id
    for key, fields in footprint.definitions.items():
        definition = NewResource.model_construct(**{"resource_id": None, **fields})
        part.matches[key] = [thing.id for thing in full.matching(key, definition)]
    return part


def below(full: Lab, root: str) -> Iterator[tuple[str, Thing]]:
    """Everything in a thing, with what it is in."""
    for child in full.children.get(root, ()):
        thing = full.things[child]
        assert thing is not None
        yield root, thing
        yield from below(full, child)


def decision(full: Lab, command: Command[Any], now: datetime) -> Decision:
    """What a command comes to on parts of the lab.

    It sees nothing that was not loaded, and asks for what it needs in a few rounds.
    """
    footprint = RESOURCE.needs(command)
    for rounds in range(1, ENOUGH + 1):
        try:
            outcome = RESOURCE.rules[type(command)](
                loaded(full, footprint), command, now, By("tester", "memory", "an operation")
            )
        except Wanted as wanted:
            footprint.add(wanted.footprint)
        except Refusal as refusal:
            return Decision(refusal.code, footprint, rounds)
        else:
            return Decision(told(outcome.changes), footprint, rounds)
    raise AssertionError(f"it wants more and more: {footprint}")


def told(changes: tuple[Change[Thing], ...]) -> list[tuple[object, ...]]:
    """Changes without what is different each time."""
    return sorted(
        (what, new.name, new.version, str(new.quantity), str(new.position), str(new.order_seq), str(new.unit))
        for new, what in changes
    )

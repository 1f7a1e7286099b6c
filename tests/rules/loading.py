"""The same decision on a lab of which only a part was loaded, as it is from a database."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from labstow.contracts.base_types import LINED
from labstow.contracts.errors import Refusal
from labstow.contracts.message import Command
from labstow.contracts.resource import NewResource
from labstow.workers.kit.noun import By, Change, Wanted
from labstow.workers.resource.footprint import Footprint, needs
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.line import Line
from labstow.workers.resource.nesting import height
from labstow.workers.resource.noun import RESOURCE
from labstow.workers.resource.rules.templates import made_from
from labstow.workers.resource.thing import Thing

ENOUGH: Final = 8
"""So often at most a command is loaded for, however much it names: a worker gives up after 20."""


class Decision(NamedTuple):
    """What a command comes to, and what was loaded for that, in how many rounds."""

    comes_to: object
    """The code of its refusal, or what changes."""
    footprint: Footprint
    rounds: int


def loaded(full: Lab, footprint: Footprint) -> Lab:
    """What a repository would bring for a footprint."""
    part = Lab(tree_locked=footprint.tree, alone=footprint.alone, units=full.units)
    part.spots = {spot: full.spots.get(spot) for spot in footprint.spots | footprint.vacated}
    for container, count in footprint.ends.items():
        if (holding := full.things.get(container)) is not None and holding.base_type in LINED:
            whole = full.line(holding)
            part.lines[container] = Line(whole.front, whole.standings[-count:], len(whole.standings) < count, count)
    left = [full.things.get(each) for each in footprint.leaving]
    grabbed = {
        *(occupant for spot in footprint.vacated if (occupant := full.spots.get(spot))),
        *(each for line in part.lines.values() for _, each in line.standings),
        *(thing.parent_id for thing in left if thing is not None and thing.parent_id is not None),
    }
    part.things = {each: full.things.get(each) for each in footprint.rows | grabbed}
    part.past = {one: state for one in footprint.past if (state := full.past.get(one))}
    for each in footprint.removals:
        thing = full.things.get(each)
        removal = thing.removal_id if thing is not None else each
        part.removals[each] = [] if removal is None else removed_by(full, removal)
    part.made = {one: [thing.id for thing in made_from(full, one[0]).get(one[1], ())] for one in footprint.made}
    part.templates = {one: full.templates.get(one) for one in footprint.templates}
    part.attached = {each: full.attached.get(each) for each in footprint.attached}
    part.children = {root: [] for root in footprint.subtrees}
    inside = {child.id: (parent, child) for root in footprint.subtrees for parent, child in below(full, root)}
    for parent, child in inside.values():
        part.children.setdefault(child.id, [])
        part.children.setdefault(parent, []).append(child.id)
        if child.position is not None:
            part.spots[parent, child.position] = child.id
    for each in footprint.heights:
        thing = full.things.get(each)
        part.heights[each] = 0 if thing is None or thing.removed_at is not None else height(full, thing)
    for start in footprint.lines:
        line: str | None = start
        while line is not None and (thing := full.things.get(line)) is not None:
            part.parents[line] = thing.parent_id
            line = thing.parent_id
    for key, fields in footprint.definitions.items():
        definition = NewResource.model_construct(**{"resource_id": None, **fields})
        part.found[key] = [thing.id for thing in full.matching(key, definition)]
    return part


def removed_by(full: Lab, removal: str) -> list[str]:
    """What a removal took."""
    return [thing.id for thing in full.things.values() if thing is not None and thing.removal_id == removal]


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
    footprint = Footprint()
    needs(command, footprint)
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
    """The last change of each thing, without what is different each time."""
    last = {new.id: (new, what) for new, what, *_ in changes}
    return sorted(
        (what, new.name, new.version, str(new.quantity), str(new.position), str(new.order_seq), str(new.unit))
        for new, what in last.values()
    )

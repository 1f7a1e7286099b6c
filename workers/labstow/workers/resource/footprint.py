"""What the rules of resources look at, as far as it can be told before anything is loaded."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from labstow.contracts.batch import Batch
from labstow.contracts.message import Command
from labstow.contracts.placing import Empty, Move, Place, Pop, Push, Swap, Take
from labstow.contracts.positions import Position, guesses
from labstow.contracts.resource import Add, Init, NewResource, Remove, Replace, Restore, Upsert
from labstow.contracts.template import Instantiate
from labstow.workers.kit import noun
from labstow.workers.resource.matching import definition, definition_key
from labstow.workers.resource.thing import nodes

HEAVY: Final = 64
"""From so many rows on, a command has a transaction of its own."""

Spot = tuple[str, str]
"""A container and a position in it."""


@dataclass
class Footprint(noun.Footprint):
    """What must be looked at for a decision."""

    spots: set[Spot] = field(default_factory=set)
    """Positions whose occupant matters."""
    vacated: set[Spot] = field(default_factory=set)
    """Positions whose occupant is to leave."""
    ends: Counter[str] = field(default_factory=Counter)
    """Stacks, queues and slots from which so many are to be taken."""
    leaving: set[str] = field(default_factory=set)
    """Things that are to leave the container they are in."""
    lines: set[str] = field(default_factory=set)
    """Things whose ancestors matter."""
    tree: bool = False
    """No ancestor of anything may change meanwhile: serialises the changes that could make a cycle."""
    heights: set[str] = field(default_factory=set)
    """Things in which it matters how deep containers are nested."""
    subtrees: set[str] = field(default_factory=set)
    """Things whose whole content matters."""
    definitions: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Things to be found by what they are, by key; one asker of a key at a time."""
    past: set[tuple[str, int]] = field(default_factory=set)
    """Earlier versions of things."""
    copies: set[tuple[str, int, str]] = field(default_factory=set)
    """What was written since a version of a thing under operation ids of a mark."""
    removals: set[str] = field(default_factory=set)
    """Removals that are to be undone: their ids, or that of anything they took."""
    alone: bool = False
    """It is large by nature, and has a transaction of its own: others must not wait for it."""
    templates: set[tuple[str, int | None]] = field(default_factory=set)
    """Templates, by key and version, that things are to be made from."""
    made: set[tuple[str, str]] = field(default_factory=set)
    """Things to be found by the name of their template and their own; one asker at a time."""
    attached: set[str] = field(default_factory=set)
    """Things of which it matters whether a location has them."""


def needs(command: Command[Any], footprint: Footprint) -> None:  # noqa: PLR0912, PLR0915  (one case a command)
    """Note what a command is known to look at."""
    match command:
        case Add(resource=node, parent_id=parent_id) | Upsert(resource=node, parent_id=parent_id):
            footprint.rows.update(_ids(node))
            if parent_id is not None:
                footprint.rows.add(parent_id)
                footprint.spots |= _spots(parent_id, node.position)
        case Init(resource=node):
            footprint.rows.update(_ids(node))
            if node.name is not None:
                footprint.definitions[definition_key(node)] = definition(node)
        case Replace(resource=node):
            footprint.rows.update(_ids(node))
        case Remove(resource_id=resource_id):
            footprint.rows.add(resource_id)
            footprint.leaving.add(resource_id)
            footprint.attached.add(resource_id)
        case Restore():
            footprint.removals.add(str(command.resource_id or command.removal_id))
        case Place(container_id=container_id, resource=node):
            footprint.rows.update((container_id, *_ids(node)))
            (footprint.vacated if command.replace else footprint.spots).update(_spots(container_id, node.position))
            if node.resource_id is not None:
                footprint.attached.add(node.resource_id)
                footprint.leaving |= {node.resource_id} if command.move else set()
        case Take(container_id=container_id, position=position, resource_id=resource_id):
            footprint.rows.add(container_id)
            if resource_id is not None:
                footprint.rows.add(resource_id)
            else:
                footprint.vacated |= _spots(container_id, position)
        case Push(container_id=container_id, resource=node):
            footprint.rows.update((container_id, *_ids(node)))
            if node.resource_id is not None:
                footprint.attached.add(node.resource_id)
                footprint.leaving |= {node.resource_id} if command.move else set()
        case Pop(container_id=container_id):
            footprint.rows.add(container_id)
            footprint.ends[container_id] += 1
        case Move(resource_id=resource_id, container_id=container_id):
            footprint.rows.add(resource_id)
            footprint.leaving.add(resource_id)
            if container_id is not None:
                footprint.attached.add(resource_id)
                footprint.rows.add(container_id)
                spots = _spots(container_id, command.position)
                (footprint.vacated if command.replace else footprint.spots).update(spots)
        case Swap(resource_id=resource_id, other_id=other_id):
            footprint.rows |= {resource_id, other_id}
            footprint.leaving |= {resource_id, other_id}
            footprint.attached |= {resource_id, other_id}
        case Empty(resource_id=resource_id):
            footprint.rows.add(resource_id)
        case Instantiate(template=name, version=version, instances=instances):
            footprint.templates.add((name.casefold(), version))
            for instance in instances:
                if instance.resource_id is not None:
                    footprint.rows.add(instance.resource_id)
                if instance.parent_id is not None:
                    footprint.rows.add(instance.parent_id)
                    footprint.spots |= _spots(instance.parent_id, instance.position)
                if command.attach and instance.name is not None:
                    footprint.made.add((name, instance.name))
        case Batch(steps=steps):
            for step in steps:
                needs(step.command, footprint)
        case _:  # all others name one thing
            footprint.rows.add(command.resource_id)  # type: ignore[attr-defined]


def weight(command: Command[Any]) -> int:
    """How many rows a command may change, as far as it says."""
    match command:
        case Add(resource=node) | Init(resource=node) | Upsert(resource=node) | Replace(resource=node):
            return len(nodes(node)) + 1
        case Place(resource=node) | Push(resource=node):
            return len(nodes(node)) + 3
        case Instantiate(instances=instances):
            return 2 * len(instances)
        case Batch(steps=steps):
            return sum(weight(step.command) for step in steps)
        case _:
            return 3


def _ids(node: NewResource) -> Iterable[str]:
    return (below.resource_id for below in nodes(node) if below.resource_id is not None)


def _spots(container_id: str, position: Position | None) -> set[Spot]:
    return {(container_id, guess) for guess in guesses(position)}

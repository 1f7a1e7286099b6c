"""What is to go where: looked up, with what is known of both ends."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from labstow.contracts.base_types import BaseType
from labstow.contracts.errors import InvalidPosition
from labstow.contracts.positions import Geometry, Position, canonical, guesses, write
from labstow.contracts.transfer import Errand
from labstow.workers.resource.nesting import children, line
from labstow.workers.resource.thing import Thing
from labstow.workers.transfer.lab import Footprint, Lab
from labstow.workers.transfer.location import Location
from labstow.workers.transfer.rules.linking import linked
from labstow.workers.transfer.transfer import gripper_of

NUMBERED: Final = (BaseType.ROW, BaseType.GRID, BaseType.VOXEL_GRID)
"""Containers that have so many positions, and no more."""


@dataclass
class Route:
    """Both ends of a transfer. A location without anything attached takes the thing itself."""

    thing: Thing
    source: Location | None
    """The location whose attached resource the thing is, or is in."""
    target: Location | None
    container: Thing | None
    """What it goes into; None: it is attached to the target itself."""
    asked: Position | None
    position: Position | None
    """The one that was asked for, or the first that is free."""
    gripper_id: str
    node: str

    @property
    def places(self) -> list[Location]:
        """The locations at both ends, as far as there are any."""
        return [each for each in (self.source, self.target) if each is not None]

    @property
    def stays(self) -> bool:
        """Whether the thing is in the container already, where in it was asked for."""
        if self.container is None or self.thing.parent_id != self.container.id:
            return False
        with suppress(InvalidPosition):
            return self.asked is None or canonical(self.container.geometry, self.asked) == self.thing.position
        return False

    def source_spot(self) -> dict[str, Any]:
        """Where the thing is, as a `Spot`."""
        inside = self.thing.parent_id is not None
        found = spot(self.thing.parent_id, self.thing.position if inside else None, self.source)
        if inside and self.source is not None and self.source.resource_id == self.thing.id:
            found["attached"] = True
        if inside and self.thing.position is None and self.thing.order_seq is not None:
            found["order"] = self.thing.order_seq
        return found

    def target_spot(self) -> dict[str, Any]:
        """Where it goes, as a `Spot`."""
        if self.container is None:
            return spot(None, None, self.target)
        return spot(self.container.id, canonical(self.container.geometry, self.position), self.target)


def spot(container_id: str | None, position: str | None, location: Location | None) -> dict[str, Any]:
    """A place of a thing, as a `Spot`."""
    return {
        "container_id": container_id,
        "position": position,
        "location_id": location.id if location is not None else None,
    }


def route(lab: Lab, errand: Errand) -> Route:
    """Look an errand up.

    Raises:
        NotFound, Removed, NoLocation: what is named is not there.
    """
    _foresee(lab, errand)
    thing = lab.thing(errand.resource_id)
    source = place_of(lab, thing)
    target, container = None, None
    if errand.target is not None:
        target = lab.location(errand.target)
        here = next((each.resource_id for each in linked(lab, target) if each.resource_id is not None), None)
        container = lab.thing(here) if here not in (None, thing.id) else None
    elif errand.container_id is not None:
        container = lab.thing(errand.container_id)
        target = place_of(lab, container)
    position = errand.position
    if container is not None and position is None:
        position = first_free(lab, container)
    return Route(thing, source, target, container, errand.position, position, gripper_of(errand.node), errand.node)


def _foresee(lab: Lab, errand: Errand) -> None:
    """Want at once what is around both ends, as far as that shows."""
    thing = lab.find(errand.resource_id)
    target = lab.find_location(errand.target) if errand.target is not None else None
    into = errand.container_id if target is None else target.resource_id
    around = line(lab, thing) if thing is not None else []
    inside = {into} if into is not None else set()
    lab.want(
        Footprint(
            rows=inside.union(around),
            lines=inside,
            spots={(each, guess) for each in inside for guess in guesses(errand.position)},
            attached={errand.resource_id},
            occupied=inside.union(around),
        )
    )


def place_of(lab: Lab, thing: Thing) -> Location | None:
    """The location at which a thing is: the nearest of what it is in that is attached, or itself."""
    return lab.attached_at(*line(lab, thing))


def first_free(lab: Lab, container: Thing) -> str | None:
    """The first position that nobody has, where positions are numbered; None where that is not so, or all are taken."""
    if container.base_type not in NUMBERED:
        return None
    taken = {child.position for child in children(lab, container)} if container.quantity else set()
    return next((each for each in positions(container.geometry) if each not in taken), None)


def positions(of: Geometry) -> list[str]:
    """All positions of a row or grid, in order: by rows, then columns, then layers."""
    columns = range(of.columns or 0)
    if of.base_type is BaseType.ROW:
        return [write(of, (column,)) for column in columns]
    flat = [(row, column) for row in range(of.rows or 0) for column in columns]
    if of.base_type is BaseType.GRID:
        return [write(of, each) for each in flat]
    return [write(of, (*each, layer)) for layer in range(of.layers or 0) for each in flat]

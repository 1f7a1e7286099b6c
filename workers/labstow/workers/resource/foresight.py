"""Having at hand what writing a tree of resources looks at, rather than want one thing after the other."""

from contextlib import suppress

from labstow.contracts.base_types import BaseType
from labstow.contracts.errors import InvalidPosition
from labstow.contracts.positions import canonical
from labstow.contracts.resource import NewResource
from labstow.workers.kit.noun import Wanted
from labstow.workers.resource.footprint import Footprint, Spot
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.nesting import contents
from labstow.workers.resource.thing import Thing, nodes


def foresee(lab: Lab, tree: NewResource, mark: str = "") -> None:
    """Want all that is not loaded of the known things in a tree, as they are and as they were read, and of the
    positions it names in them.

    What a tree says wrong is refused where it is written.
    """
    if lab.complete:
        return
    rows: set[str] = set()
    spots: set[Spot] = set()
    attached: set[str] = set()
    past: set[tuple[str, int]] = set()
    pools: list[Thing] = []
    for node in nodes(tree):
        if node.resource_id is None:
            continue
        if node.resource_id not in lab.things:
            rows.add(node.resource_id)
        elif (known := lab.things[node.resource_id]) is not None and known.removed_at is None:
            spots |= _spots(lab, known, node)
            if node.version is not None and node.version < known.version:
                past.add((known.id, node.version))
            if node is not tree and known.parent_id is None and known.id not in lab.attached:  # it will be put there
                attached.add(known.id)
            if known.base_type is BaseType.POOL and "unit" in node.model_fields_set and node.unit != known.unit:
                pools.append(known)
    past -= lab.past.keys()
    if rows or spots or attached or past:
        copies = {(*each, mark) for each in past} if mark else set()
        raise Wanted(Footprint(rows=rows, spots=spots, attached=attached, past=past, copies=copies))
    contents(lab, *pools)


def _spots(lab: Lab, container: Thing, node: NewResource) -> set[Spot]:
    """Positions of a container that a tree names, as far as it is not known who is there."""
    spots: set[Spot] = set()
    for child in node.children if container.id not in lab.children else ():
        with suppress(InvalidPosition):
            if (position := canonical(container.geometry, child.position)) is not None:
                spots.add((container.id, position))
    return spots - lab.spots.keys()

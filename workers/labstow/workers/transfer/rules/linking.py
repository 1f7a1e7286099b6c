"""Names of one physical place, and places of which one may be used at a time."""

from collections.abc import Iterable, Sequence
from operator import attrgetter

from labstow.contracts.place_errors import OtherAttached
from labstow.workers.transfer.lab import Footprint, Lab
from labstow.workers.transfer.links import together
from labstow.workers.transfer.location import Location


def linked(lab: Lab, *places: Location) -> list[Location]:
    """All locations that are one physical place with one of these, which come first. A name that no location has links
    nothing.
    """
    ties, own = lab.ties(), _keys(places)
    if ties.keys().isdisjoint(own):
        return list(places)
    near = _tied(ties, own)
    known = lab.find_locations(sorted(near - own))
    if not _tied(ties, _keys(known)) <= near:  # one goes by its id here and by its name there: look at all of them
        near = set(ties)
        known = lab.find_locations(sorted(near - own))
    there = {place.id: place for place in (*known, *places)}
    groups = [group for group in lab.capabilities().linked if group[0] in near]
    of = together(groups, ((place.id, place.name) for place in there.values()))
    ids = [place.id for place in places]
    return [there[each] for each in dict.fromkeys((*ids, *(other for id_ in ids for other in sorted(of.get(id_, ())))))]


def excluded(lab: Lab, places: Sequence[Location]) -> list[Location]:
    """The locations that may not be used while one of these is, without these."""
    own = _keys(places)
    zones = [zone for zone in lab.capabilities().exclusive if not own.isdisjoint(zone)]
    found = lab.find_locations(sorted({key for zone in zones for key in zone} - own))
    return [place for place in linked(lab, *found) if place not in places]


def refuse_crowded(lab: Lab, instead: str) -> None:
    """Refuse what robots can do where a physical place would have two things by it, and say what to do `instead`.

    Raises:
        OtherAttached
    """
    groups = lab.capabilities().linked
    there = {place.id: place for place in lab.find_locations(sorted({key for group in groups for key in group}))}
    of = together(groups, ((place.id, place.name) for place in there.values()))
    for ids in {id(ids): ids for ids in of.values()}.values():
        refuse_two(lab, [there[each] for each in ids], instead)


def refuse_two(lab: Lab, places: Sequence[Location], instead: str = "detach one of them first") -> None:
    """Refuse that two things are at the names of one physical place, or on their way there.

    Raises:
        OtherAttached: with what to do `instead`.
    """
    if len(places) == 1:
        return
    known = {place.id: place for place in sorted(places, key=attrgetter("name"))}
    at = {place.resource_id: (place, "attached to") for place in known.values() if place.resource_id is not None}
    for transfer in lab.under_way():
        if transfer.target["container_id"] is None and (to := known.get(transfer.target["location_id"])) is not None:
            at.setdefault(transfer.resource_id, (to, "on its way to"))
    if len(at) < 2:
        return
    lab.want(Footprint(rows={each for each in at if each not in lab.things}))
    things = [lab.thing(each) for each in at]
    first, second, *_ = (
        f"{thing.name} is {how} '{place.name}'" for thing, (place, how) in zip(things, at.values(), strict=True)
    )
    raise OtherAttached(
        f"{first}, and {second}, which is linked with it, so it is the same place: {instead}",
        locations=[place.name for place, _ in at.values()],
        resource_ids=[thing.id for thing in things if thing.head],  # what a lab file would make is not there
    )


def _keys(places: Iterable[Location]) -> set[str]:
    return {key for place in places for key in (place.id, place.name)}


def _tied(ties: dict[str, set[str]], keys: Iterable[str]) -> set[str]:
    return set[str]().union(*(ties[key] for key in keys if key in ties))

"""Names of one physical place, and places of which one may be used at a time."""

from collections.abc import Iterable, Sequence

from labstow.workers.transfer.lab import Lab
from labstow.workers.transfer.location import Location


def linked(lab: Lab, location: Location) -> list[Location]:
    """All locations that are one physical place, with this one first."""
    found, names = [location], {location.id, location.name}
    for place in found:
        for key in _together(lab.capabilities().linked, (place.id, place.name)):
            if key not in names and (other := lab.find_location(key)) is not None:
                names |= {key, other.id, other.name}
                if other.id not in {each.id for each in found}:
                    found.append(other)
    return found


def excluded(lab: Lab, places: Sequence[Location]) -> list[Location]:
    """The locations that may not be used while one of these is, without these."""
    own = {place.id for place in places}
    keys = [key for place in places for key in _together(lab.capabilities().exclusive, (place.id, place.name))]
    found = {other.id: other for key in keys if (other := lab.find_location(key)) is not None}
    reached = {each.id: each for other in found.values() for each in linked(lab, other)}
    return [place for each, place in reached.items() if each not in own]


def _together(groups: Iterable[Sequence[str]], keys: tuple[str, str]) -> list[str]:
    """What is in one group with a location."""
    return [key for group in groups if not {*keys}.isdisjoint(group) for key in group if key not in keys]

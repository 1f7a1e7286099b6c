"""Names of one physical place, and places of which one may be used at a time."""

from collections.abc import Iterable, Sequence

from labstow.workers.transfer.lab import Lab
from labstow.workers.transfer.location import Location


def linked(lab: Lab, location: Location) -> list[Location]:
    """All locations that are one physical place, with this one first. What is not there links nothing."""
    groups = lab.capabilities().linked
    found, ends = [location], [location.id, location.name]
    for place in found:
        ends += _together(groups, ends, all_the_way=True)
        lab.find_locations(ends[2:])  # all at once, for what is not loaded yet
        near = lab.find_locations(_together(groups, (place.id, place.name)))
        found += {other.id: other for other in near if other not in found}.values()
    return found


def excluded(lab: Lab, places: Sequence[Location]) -> list[Location]:
    """The locations that may not be used while one of these is, without these."""
    keys = [key for place in places for key in (place.id, place.name)]
    found = lab.find_locations(_together(lab.capabilities().exclusive, keys))
    reached = {each.id: each for other in found for each in linked(lab, other)}
    return [place for place in reached.values() if place not in places]


def _together(groups: Iterable[Sequence[str]], keys: Sequence[str], *, all_the_way: bool = False) -> list[str]:
    """What is in one group with one of some keys; or also with what is in one group with that, and so on."""
    found = dict.fromkeys(keys)
    for key in (ends := list(keys)):
        more = [other for group in groups if key in group for other in group if other not in found]
        found |= dict.fromkeys(more)
        ends += more if all_the_way else ()
    return list(found)[len(dict.fromkeys(keys)) :]

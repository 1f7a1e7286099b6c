"""The loaded part of the laboratory, as the rules of places and transfers see it: things and leases as their own rules
see them, locations, patterns, what the robots can do, and what is under way.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.errors import StaleVersion
from labstow.contracts.place_errors import NoLocation, NoPattern, NoTransfer
from labstow.contracts.ulids import is_ulid
from labstow.workers.kit.noun import Outcome, Wanted
from labstow.workers.lock import lab as locks
from labstow.workers.lock.lease import Lease
from labstow.workers.resource import lab as resources
from labstow.workers.resource.thing import Thing
from labstow.workers.transfer.links import joined
from labstow.workers.transfer.location import Location
from labstow.workers.transfer.pattern import Pattern, Sort
from labstow.workers.transfer.setting import Setting
from labstow.workers.transfer.transfer import Transfer

Key = tuple[Sort, str]
"""A kind of pattern, and the name of one."""


@dataclass
class Footprint(locks.Footprint):
    """What must be looked at for a decision."""

    places: set[str] = field(default_factory=set)
    """Locations by id or name."""
    names: set[str] = field(default_factory=set)
    """Names of locations and patterns to be; one asker of a name at a time."""
    occupied: set[str] = field(default_factory=set)
    """Resources of which it matters where they are attached."""
    setting: bool = False
    """What the robots can do."""
    settings: bool = False
    """The same, to be changed; one at a time."""
    everything: bool = False
    """All locations."""
    patterns: set[Key] = field(default_factory=set)
    pattern_ids: set[str] = field(default_factory=set)
    """Ids of patterns to be."""
    transfers: set[str] = field(default_factory=set)
    """Transfers by id."""
    under_way: bool = False
    """All that are under way."""
    begins: bool = False
    """The same, while nobody else begins one."""


@dataclass
class Lab(locks.Lab):
    """The loaded part of the laboratory."""

    locations: dict[str, Location] = field(default_factory=dict)
    """Those that are not removed, and whatever a batch changed."""
    named: dict[str, str] = field(default_factory=dict)
    """Ids by name."""
    seen: Footprint = field(default_factory=Footprint)
    """What was looked at."""
    setting: Setting | None = None
    patterns: dict[Key, Pattern] = field(default_factory=dict)
    pattern_ids: set[str] = field(default_factory=set)
    """Ids that patterns have, or had."""
    transfers: dict[str, Transfer] = field(default_factory=dict)
    there: frozenset[str] | None = None
    """Nodes that say they are there; None if that is not known."""
    lab_version: int = 0
    _parsed: tuple[Setting, Capabilities] | None = None
    _ties: tuple[object, dict[str, set[str]]] | None = None

    def find_location(self, key: str) -> Location | None:
        """The location of an id, or else of a name."""
        if unknown := self._unknown([key]):
            raise Wanted(Footprint(places=unknown))
        found = self.locations.get(key) or self.locations.get(self.named.get(key, ""))
        return found if found is not None and found.removed_at is None else None

    def want(self, footprint: Footprint) -> None:
        """Want all of that at once, rather than one thing after the other, unless it was looked at."""
        known = ((getattr(self.seen, each.name), getattr(footprint, each.name)) for each in fields(footprint))
        if not self.complete and any(seen | more != seen for seen, more in known):
            raise Wanted(footprint)

    def find_locations(self, keys: Iterable[str]) -> list[Location]:
        """The locations that there are of some ids and names."""
        wanted = list(keys)
        if unknown := self._unknown(wanted):
            raise Wanted(Footprint(places=unknown))
        return [found for key in wanted if (found := self.find_location(key)) is not None]

    def location(self, key: str) -> Location:
        """The location of an id, or else of a name.

        Raises:
            NoLocation
        """
        if (found := self.find_location(key)) is None:
            raise no_location(key)
        return found

    def attached_at(self, *ids: str) -> Location | None:
        """Where the first of some resources that is attached is so."""
        if not (self.complete or self.seen.everything) and (unknown := set(ids) - self.seen.occupied):
            raise Wanted(Footprint(occupied=unknown))
        at = {each.resource_id: each for each in self.locations.values()}
        return next((at[each] for each in ids if each in at), None)

    def pattern(self, kind: Sort, name: str) -> Pattern:
        """The pattern of a name.

        Raises:
            NoPattern
        """
        if (found := self.find_pattern(kind, name)) is None:
            raise no_pattern(kind, name)
        return found

    def find_pattern(self, kind: Sort, name: str) -> Pattern | None:
        """The pattern of a name, if there is one."""
        if (kind, name) not in self.seen.patterns and not self.complete:
            raise Wanted(Footprint(patterns={(kind, name)}))
        found = self.patterns.get((kind, name))
        return found if found is not None and found.removed_at is None else None

    def is_pattern(self, template_id: str) -> bool:
        """Whether a pattern has this id, or had it."""
        if template_id not in self.seen.pattern_ids and not self.complete:
            raise Wanted(Footprint(pattern_ids={template_id}))
        return template_id in self.pattern_ids

    def transfer(self, transfer_id: str) -> Transfer:
        """The transfer of an id.

        Raises:
            NoTransfer
        """
        if transfer_id not in self.seen.transfers and not self.complete:
            raise Wanted(Footprint(transfers={transfer_id}))
        if (found := self.transfers.get(transfer_id)) is None:
            raise NoTransfer(transfer_id=transfer_id)
        return found

    def capabilities(self) -> Capabilities:
        """What the robots can do."""
        if not (self.seen.setting or self.seen.settings or self.complete):
            raise Wanted(Footprint(setting=True))
        if self.setting is None:
            return Capabilities()
        if self._parsed is None or self._parsed[0] is not self.setting:  # large ones take a while
            self._parsed = (self.setting, Capabilities.model_validate(self.setting.capabilities))
        return self._parsed[1]

    def ties(self) -> dict[str, set[str]]:
        """For each id or name that is linked, all that may be the same place with it."""
        groups = self.capabilities().linked
        if self._ties is None or self._ties[0] is not groups:  # many take a while
            self._ties = (groups, joined(groups))
        return self._ties[1]

    def under_way(self) -> list[Transfer]:
        """All transfers that are under way."""
        if not (self.seen.under_way or self.seen.begins or self.complete):
            raise Wanted(Footprint(under_way=True))
        return [each for each in self.transfers.values() if each.open]

    def _unknown(self, keys: Iterable[str]) -> set[str]:
        """Ids and names that were not looked for, and that no location which was loaded has."""
        if self.complete or self.seen.everything:
            return set()
        return set(keys) - self.seen.places - self.locations.keys() - self.named.keys()

    def before(self, thing: Any) -> Any:
        """A thing of any kind as it is now; None if it is new."""
        match thing:
            case Location():
                return self.locations.get(thing.id)
            case Pattern():
                known = self.patterns.get((thing.kind, thing.name))
                return known if known is not None and known.id == thing.id else None
            case Setting():
                return self.setting
            case Transfer():
                return self.transfers.get(thing.id)
        return super().before(thing)

    def apply(self, outcome: Outcome[Any]) -> None:
        """Make an outcome part of it, for the commands that follow."""
        for change in outcome.changes:
            match change.thing:
                case Location() as new:
                    if (old := self.locations.get(new.id)) is not None and self.named.get(old.name) == old.id:
                        del self.named[old.name]
                    self.locations[new.id] = new
                    if new.removed_at is None:
                        self.named[new.name] = new.id
                case Pattern() as new:
                    self.patterns[new.kind, new.name] = new
                    self.pattern_ids.add(new.id)
                case Setting() as new:
                    self.setting = new
                case Transfer() as new:
                    self.transfers[new.id] = new
        for note in outcome.notes:
            match note:
                case Location():
                    self.locations[note.id] = note
                case Setting():
                    self.setting = note
        outcome = outcome._replace(
            notes=tuple(note for note in outcome.notes if not isinstance(note, Location | Setting))
        )
        things = tuple(change for change in outcome.changes if isinstance(change.thing, Thing))
        leases = tuple(change for change in outcome.changes if isinstance(change.thing, Lease))
        resources.Lab.apply(self, outcome._replace(changes=things))
        super().apply(outcome._replace(changes=leases))


def no_location(key: str, by: str = "any") -> NoLocation:
    """The refusal of an id, or a name, that no location has."""
    by_id = is_ulid(key) if by == "any" else by == "id"
    return NoLocation(by="ID" if by_id else "name", key=key)


def no_pattern(kind: Sort, name: str) -> NoPattern:
    """The refusal of a name that no pattern has."""
    return NoPattern(kind=kind.replace("_", " ").capitalize(), name=name)


def refuse_stale(location: Location, expected: int | None) -> None:
    """Refuse a change by somebody who has not seen the newest version.

    Raises:
        StaleVersion: with the version there is.
    """
    if expected is not None and expected != location.version:
        facts = {"location_id": location.id, "name": location.name}
        raise StaleVersion(version=location.version, expected=expected, **facts)

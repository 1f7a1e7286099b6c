"""Which templates count for a pair of places: those of the pair itself, else of its source, else of its target, else
the default ones; each level only if one of its templates can serve the pair.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from labstow.contracts.capabilities import Capabilities, Overrides, TransferTemplate
from labstow.contracts.transfer import Level

Templates = tuple[TransferTemplate, ...]


class Place(NamedTuple):
    """What planning must know of a location."""

    id: str
    name: str
    allow_transfers: bool
    nodes: frozenset[str]
    """Those that have a representation of it."""
    resource_id: str | None = None


Find = Callable[[str], Place | None]
"""Looks a place up by its id or its name."""


class Serving(NamedTuple):
    """What can bring something from one place straight to another."""

    level: Level
    templates: Templates
    """Cheapest first, then by node, by action, and as they were given; none if nothing can."""
    passed: tuple[Level, ...] = ()
    """Levels that come first and have templates, none of which can serve."""


class Levels:
    """The templates of a laboratory, by what they are for."""

    def __init__(self, capabilities: Capabilities, find: Find) -> None:
        given = capabilities.override_transfer_templates or Overrides()
        self.default = in_order(capabilities.transfer_templates)
        self.by_source = _by_places((((key,), each) for key, each in (given.source_overrides or {}).items()), find)
        self.by_target = _by_places((((key,), each) for key, each in (given.target_overrides or {}).items()), find)
        pairs = ((key, by_target) for key, by_target in (given.pair_overrides or {}).items())
        self.by_pair = _by_places((((key, to), each) for key, by in pairs for to, each in by.items()), find)
        overrides = (self.by_source.values(), self.by_target.values(), self.by_pair.values())
        every = (self.default, *(templates for level in overrides for templates in level))
        self.nodes = frozenset(each.node_name for templates in every for each in templates)
        """All nodes that have a template."""

    def of(self, source: Place, target: Place) -> Iterator[tuple[Level, Templates]]:
        """The templates of each level for two places, whether they can serve or not."""
        yield "pair", self.by_pair.get((source.id, target.id), ())
        yield "source", self.by_source.get((source.id,), ())
        yield "target", self.by_target.get((target.id,), ())
        yield "default", self.default

    def serving(self, source: Place, target: Place, *, but: Level | None = None) -> Serving:
        """What can bring something from one place straight to another; without regard to one level, if so wanted."""
        both = source.nodes & target.nodes
        passed: tuple[Level, ...] = ()
        for level, templates in self.of(source, target):
            if level == but:
                continue
            if can := tuple(each for each in templates if each.node_name in both):
                return Serving(level, can, passed)
            passed += (level,) if templates else ()
        return Serving("default", (), passed)


def in_order(templates: Iterable[TransferTemplate]) -> Templates:
    """Cheapest first, then by node, by action, and as they were given."""
    return tuple(sorted(templates, key=lambda each: (each.cost, each.node_name, each.action)))


def contents(overrides: Mapping[tuple[str, ...], Templates]) -> dict[str, int]:
    """Numbers for the places that have an override of their own; the same number where it is the same one."""
    numbers: dict[str, int] = {}
    return {
        place: numbers.setdefault("".join(each.model_dump_json() for each in templates), len(numbers))
        for (place,), templates in overrides.items()
    }


def _by_places(entries: Iterable[tuple[tuple[str, ...], Templates]], find: Find) -> dict[tuple[str, ...], Templates]:
    """Overrides by ids. What is given by id comes before what is given by name: both count, whatever the order of keys.
    A key that names no location is without effect.
    """
    found: dict[tuple[str, ...], list[tuple[list[bool], Templates]]] = {}
    for keys, templates in entries:
        places = [place for key in keys if (place := find(key))]
        if templates and len(places) == len(keys):
            by_name = [key != place.id for key, place in zip(keys, places, strict=True)]
            found.setdefault(tuple(place.id for place in places), []).append((by_name, templates))
    return {
        ids: in_order(one for _, templates in sorted(each, key=lambda it: it[0]) for one in templates)
        for ids, each in found.items()
    }

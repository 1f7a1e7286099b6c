"""The loaded templates, as their rules see them."""

from dataclasses import dataclass, field
from typing import Any

from labstow.contracts.errors import NoTemplate
from labstow.contracts.message import Command
from labstow.workers.kit import noun
from labstow.workers.kit.noun import Outcome
from labstow.workers.resource.units import STANDARD, Units
from labstow.workers.template.blueprint import Blueprint


@dataclass
class Footprint(noun.Footprint):
    """What must be looked at for a decision."""

    keys: set[str] = field(default_factory=set)
    """Names without regard to case; one asker of a name at a time."""


def needs(command: Command[Any], footprint: Footprint) -> None:
    """Note what a command looks at: the template of its name, and nothing else ever."""
    footprint.keys.add(command.name.casefold())  # type: ignore[attr-defined]


@dataclass
class Lab:
    """Templates that are not removed, and whatever a batch changed."""

    units: Units = STANDARD
    things: dict[str, Blueprint | None] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    """Of those that are not removed, by key."""

    def find(self, name: str) -> Blueprint | None:
        """The template of a name, however that is written."""
        return self.things.get(self.ids.get(name.casefold(), ""))

    def template(self, name: str) -> Blueprint:
        """The template of a name.

        Raises:
            NoTemplate
        """
        if (found := self.find(name)) is None:
            raise NoTemplate(name=name)
        return found

    def before(self, thing: Blueprint) -> Blueprint | None:
        """The template as it is now; None if it is new."""
        return self.things.get(thing.id)

    def apply(self, outcome: Outcome[Blueprint]) -> None:
        """Make an outcome part of it, for the commands that follow."""
        for new, *_ in outcome.changes:
            self.things[new.id] = new
            if new.removed_at is None:
                self.ids[new.name.casefold()] = new.id
            else:
                self.ids.pop(new.name.casefold(), None)

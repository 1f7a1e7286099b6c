"""What the robots of a laboratory can do: how a thing gets from one place to another, and at what cost.

The format is that of MADSci's `transfer_capabilities`, so its lab files work as they are; `linked` and `exclusive`
are additions.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from labstow.contracts.message import Attributes, Message, Name, written_plainly

MAX_TEMPLATES: Final = 1_000
MAX_GROUPS: Final = 1_000
MAX_GROUP: Final = 64

Key = Name
"""The id or the name of a location."""
Node = Annotated[Name, StringConstraints(pattern=r"^[^/]+$")]
"""The name of a robot or an instrument."""
Argument = Name
Factor = Annotated[Decimal, Field(max_digits=38, decimal_places=12, ge=1), BeforeValidator(written_plainly)]
Share = Annotated[Decimal, Field(max_digits=38, decimal_places=12, ge=0, le=1), BeforeValidator(written_plainly)]
Cost = Annotated[Decimal, Field(max_digits=38, decimal_places=12, ge=0, le=10**12), BeforeValidator(written_plainly)]


class TransferTemplate(Message):
    """How a node moves things: what it is asked to do, and how dear that is.

    It serves a pair of locations that both have a representation for its node.
    """

    node_name: Node
    action: Argument
    source_argument_name: Argument = "source_location"
    target_argument_name: Argument = "target_location"
    cost_weight: Cost | None = None
    """None means 1. The cheapest way is taken; 0 is allowed."""
    additional_args: Attributes = Field(default_factory=dict)
    """Given to the action as they are."""
    additional_location_args: dict[Argument, Argument] = Field(default_factory=dict)
    """Further locations that the action is given, by argument."""

    @model_validator(mode="after")
    def _two_arguments(self) -> Self:
        if self.source_argument_name == self.target_argument_name:
            raise ValueError("source_argument_name and target_argument_name are the same: one would hide the other")
        return self

    @property
    def cost(self) -> Decimal:
        """`cost_weight`, or 1."""
        return Decimal(1) if self.cost_weight is None else self.cost_weight


Templates = Annotated[tuple[TransferTemplate, ...], Field(max_length=MAX_TEMPLATES)]


class Overrides(Message):
    """Templates for special cases, by the id or the name of locations. A pair comes before its source, that before its
    target, and that before the default; where none of them can serve a pair, the next ones count.
    """

    source_overrides: dict[Key, Templates] | None = None
    target_overrides: dict[Key, Templates] | None = None
    pair_overrides: dict[Key, dict[Key, Templates]] | None = None
    """By source, then by target."""


class CapacityCosts(Message):
    """How much dearer it is to bring something to a place that is nearly full, or full: of what is attached there,
    quantity by capacity, at the moment of the plan.
    """

    enabled: bool = False
    high_capacity_threshold: Share = Decimal("0.8")
    full_capacity_threshold: Share = Decimal(1)
    high_capacity_multiplier: Factor = Decimal(2)
    full_capacity_multiplier: Factor = Decimal(10)


Path = tuple[str | int, ...]
"""Keys and indices, from the outside in."""
Group = Annotated[tuple[Key, ...], Field(min_length=2, max_length=MAX_GROUP)]


class Capabilities(Message):
    """Everything about how things are moved."""

    transfer_templates: Templates = ()
    override_transfer_templates: Overrides | None = None
    capacity_cost_config: CapacityCosts | None = None
    linked: Annotated[tuple[Group, ...], Field(max_length=MAX_GROUPS)] = ()
    """Names of one physical place: what is at one is at all of them, and from one to another is no way."""
    exclusive: Annotated[tuple[Group, ...], Field(max_length=MAX_GROUPS)] = ()
    """Locations of which one may be used at a time: two arms would meet there."""

    def places(self) -> Iterator[tuple[Path, Key]]:
        """Where special cases, `linked` and `exclusive` name a location, and how."""
        for path, key, _ in self._cases():
            yield path, key
        for kind, groups in (("linked", self.linked), ("exclusive", self.exclusive)):
            yield from (
                ((kind, number, at), key) for number, group in enumerate(groups) for at, key in enumerate(group)
            )

    def arguments(self) -> Iterator[tuple[Path, str]]:
        """Where an argument of an action names a location, or is a text that no location has."""
        every: Iterable[tuple[Path, Templates]] = ((path, templates) for path, _, templates in self._cases())
        for path, templates in ((("transfer_templates",), self.transfer_templates), *every):
            for number, template in enumerate(templates):
                for argument, key in template.additional_location_args.items():
                    yield (*path, number, "additional_location_args", argument), key

    def _cases(self) -> Iterator[tuple[Path, Key, Templates]]:
        """Where a special case names a location, and how, and what is said there."""
        cases, of = self.override_transfer_templates or Overrides(), "override_transfer_templates"
        for kind, by in (("source_overrides", cases.source_overrides), ("target_overrides", cases.target_overrides)):
            yield from (((of, kind, key), key, templates) for key, templates in (by or {}).items())
        for key, by_target in (cases.pair_overrides or {}).items():
            yield (of, "pair_overrides", key), key, ()
            yield from (((of, "pair_overrides", key, to), to, templates) for to, templates in by_target.items())


EVENTS: Final = {"configured": "what the robots can do was set"}

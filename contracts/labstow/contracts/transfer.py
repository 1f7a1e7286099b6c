"""Messages of the transfer noun (`labstow.v1.transfer.*`): how a thing gets from place to place, whether it can right
now, and moving it.

A plan is a proposal: nothing is held for it. A check tells what would stand in the way. Begin, then complete or abort,
is the move itself: in between the thing is in the gripper of the node that carries it, and nowhere else.
"""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import Field, JsonValue, model_validator

from labstow.contracts.capabilities import Capabilities, Key, Node
from labstow.contracts.lock import Purpose
from labstow.contracts.message import Answer, Command, Instant, Message, Name, Query, Text, Ulid
from labstow.contracts.positions import Position

MAX_WAYS: Final = 10
MAX_NAMED: Final = 1_000
MAX_VIA: Final = 32
MAX_OPEN: Final = 10_000
MAX_DUE_S: Final = 86_400

Level = Literal["pair", "source", "target", "default"]
"""Which templates counted for a step."""
Some = Annotated[tuple[Key, ...], Field(max_length=MAX_NAMED)]


class Step(Answer):
    """One action of one node."""

    node: str
    action: str
    source_id: Ulid
    source: str
    """Its name."""
    target_id: Ulid
    target: str
    args: dict[str, JsonValue]
    locations: dict[str, str]
    """Names of locations by argument of the action."""
    cost: Decimal
    """`base_cost` times `multiplier`."""
    base_cost: Decimal
    multiplier: Decimal
    """More than 1 where the target is nearly full, or full."""
    level: Level
    reason: str
    """In words."""


class Way(Answer):
    """A sequence of steps; none where the thing is there already."""

    cost: Decimal
    steps: tuple[Step, ...]


class Plan(Answer):
    """The best ways, cheapest first; of those that cost the same, the one with fewer steps, then by names."""

    lab_version: int
    """Of locations and capabilities; a plan made at another one may differ."""
    at: Instant
    """The database's clock: the utilisation is as it was then."""
    source_id: Ulid
    source: str
    target_id: Ulid
    target: str
    """Of the best way."""
    resource_id: Ulid | None
    """What is to be moved, if that was said."""
    ways: tuple[Way, ...]


class PlanTransfer(Query[Plan]):
    """Ask how to get something from one place to another.

    The source is a location, or where a resource is; if both are named, it must not be elsewhere. The target is a
    location, where a resource is, or any place with room whose resource has a class. Refusals say why there is no way.
    """

    subject: ClassVar[str] = "transfer.plan"
    source: Key | None = None
    resource_id: Ulid | None = None
    target: Key | None = None
    container_id: Ulid | None = None
    """Bring it to where this resource is."""
    free_in_class: Name | None = None
    """Bring it to the nearest place whose resource has this class, and room."""
    k: Annotated[int, Field(strict=True, ge=1, le=MAX_WAYS)] = 1
    """How many ways to show."""
    avoid: Some = ()
    """Locations that no way leads over."""
    via: Annotated[tuple[Key, ...], Field(max_length=MAX_VIA)] = ()
    """Locations that the way must lead over, in this order."""
    nodes: Annotated[tuple[Node, ...], Field(max_length=MAX_NAMED)] | None = None
    """Only these."""
    present: bool = False
    """Only nodes that say they are there."""

    @model_validator(mode="after")
    def _one_source_and_one_target(self) -> Self:
        if self.source is None and self.resource_id is None:
            raise ValueError("say from where: a source, or the resource_id of what is to be moved")
        if sum(each is not None for each in (self.target, self.container_id, self.free_in_class)) != 1:
            raise ValueError("say where to: one of target, container_id and free_in_class")
        return self


class Fan(Answer):
    """That something can go from one location straight to each of some others, by the same nodes at the same cost."""

    source_id: Ulid
    target_ids: tuple[Ulid, ...]
    nodes: tuple[str, ...]
    """All that can do that."""
    cost: Decimal
    """The lowest, without regard to how full the target is."""
    level: Level


class Graph(Answer):
    """Every pair of locations that something can go between in one step, by names."""

    lab_version: int
    names: dict[Ulid, str] = Field(default_factory=dict)
    """Of all locations that take part in transfers."""
    edges: tuple[Fan, ...] = ()
    unchanged: bool = False
    """Whether it is the graph that the caller has, so that it is not told again."""


class GetGraph(Query[Graph]):
    """Read the transfer graph. Dense labs have one edge for each pair of locations: see the limit of answers."""

    subject: ClassVar[str] = "transfer.graph"
    unless: Annotated[int, Field(strict=True, ge=0, lt=2**63)] | None = None
    """The `lab_version` of the graph that the caller has: it is told again only if it is another one."""


class Picture(Answer):
    """A drawing."""

    svg: str


class GetGraphPicture(Query[Picture]):
    """Draw the transfer graph; with a source and a target, the best way between them stands out."""

    subject: ClassVar[str] = "transfer.picture"
    source: Key | None = None
    target: Key | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.source is None) != (self.target is None):
            raise ValueError("a way has a source and a target: give both, or none")
        return self


class Configuration(Answer):
    """What the robots can do, as it is set."""

    capabilities: Capabilities
    updated_at: Instant | None = None
    version: int
    """0: nothing was set yet."""


class GetConfiguration(Query[Configuration]):
    """Read what the robots can do."""

    subject: ClassVar[str] = "transfer.configuration"


class Configure(Command[Configuration]):
    """Set what the robots can do, all of it."""

    subject: ClassVar[str] = "transfer.configure"
    capabilities: Capabilities
    expected_version: Annotated[int, Field(strict=True, ge=0, lt=2**31)] | None = None


class Finding(Answer):
    """Something that stands in the way of a transfer."""

    code: str
    """`source.no_transfers`, `target.occupied`, `target.container.full`, `thing.lock.held`, `node.absent` ..."""
    sentence: str
    facts: dict[str, JsonValue] = Field(default_factory=dict)


class Findings(Answer):
    """What a check found. With none of them, a transfer that begins now begins."""

    ok: bool
    findings: tuple[Finding, ...]
    at: Instant


class Errand(Message):
    """What is to go where, carried by whom."""

    resource_id: Ulid
    target: Key | None = None
    """A location; the thing goes into what is attached there."""
    container_id: Ulid | None = None
    """Or a resource that it goes into."""
    position: Position | None = None
    """Where in it; None: the first that is free."""
    node: Node
    """What carries it: in between it is in this node's gripper."""

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.target is None) == (self.container_id is None):
            raise ValueError("say where to: either target or container_id")
        return self


class CheckTransfer(Command[Findings]):
    """Ask what would stand in the way of a transfer right now. Changes nothing."""

    subject: ClassVar[str] = "transfer.check"
    kept: ClassVar[bool] = False
    errand: Errand
    present: bool = False
    """Whether the node must say that it is there."""


class Spot(Answer):
    """A place of a thing."""

    container_id: Ulid | None
    position: JsonValue
    location_id: Ulid | None
    """The location whose attached resource that is, or is in."""
    attached: bool = False
    """Whether the thing itself was attached there, besides being in a container."""
    order: int | None = None
    """Which place in line it had in a stack or queue: what came later has the higher one."""


class Transfer(Answer):
    """A move of a thing: under way, or over."""

    transfer_id: Ulid
    state: Literal["begun", "completed", "aborted"]
    resource_id: Ulid
    node: str
    gripper_id: Ulid
    """The slot that stands for the node's gripper."""
    source: Spot
    target: Spot
    left_at: Spot | None
    """Where it was left, once it is over."""
    holder: str
    purpose: str | None
    begun_at: Instant
    due_at: Instant
    overdue: bool
    ended_at: Instant | None
    reason: str | None
    lease_id: Ulid | None = None
    """The secret that proves the lease on the thing and on what it goes into; shown to who began it only, and null if
    he has leases on both already.
    """
    tokens: dict[Ulid, int] = Field(default_factory=dict)
    """Of both, for devices; shown to who began it only."""
    version: int


class BeginTransfer(Command[Transfer]):
    """Take a thing out of where it is, into a node's gripper, on its way to a target.

    All that a check finds is refused. What is moved and what it goes into are leased until `due_s` are over; a lease
    on them that is presented is used as it is.
    """

    subject: ClassVar[str] = "transfer.begin"
    errand: Errand
    due_s: Annotated[float, Field(strict=True, ge=1, le=MAX_DUE_S)] = 300
    """After so long it counts as overdue, which is told by an event; it can be completed all the same."""
    purpose: Purpose | None = None
    present: bool = False
    """Whether the node must say that it is there."""


class CompleteTransfer(Command[Transfer]):
    """Put a thing where it was to go. In one transaction it is there, and no longer in the gripper."""

    subject: ClassVar[str] = "transfer.complete"
    transfer_id: Ulid
    position: Position | None = None
    """Where it really is, if that is not where it was to go."""


class AbortTransfer(Command[Transfer]):
    """End a transfer otherwise, and say where the thing was left. Who did not begin it gives a reason.

    What is no longer in the gripper stays where it is, whatever is said, and nothing needs to be said.
    """

    subject: ClassVar[str] = "transfer.abort"
    transfer_id: Ulid
    left: Literal["source", "gripper", "nowhere"] | None = None
    """Back where it came from, in a stack or queue at its old place; still in the gripper; or out of everything."""
    container_id: Ulid | None = None
    """Or in another resource."""
    position: Position | None = None
    """Where in it."""
    reason: Text | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.left is not None and self.container_id is not None:
            raise ValueError("say where it was left: either left or container_id")
        return self


class GetTransfer(Query[Transfer]):
    """Read a transfer."""

    subject: ClassVar[str] = "transfer.get"
    transfer_id: Ulid


class Transfers(Answer):
    """Transfers, newest first."""

    transfers: tuple[Transfer, ...]
    next: Ulid | None
    """`before` of the next query; null at the end."""


class ListTransfers(Query[Transfers]):
    """List transfers. Filters add up."""

    subject: ClassVar[str] = "transfer.list"
    state: Literal["begun", "completed", "aborted"] | None = None
    resource_id: Ulid | None = None
    node: Node | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 100
    before: Ulid | None = None


COMMANDS: Final[tuple[type[Command[Any]], ...]] = (
    Configure,
    CheckTransfer,
    BeginTransfer,
    CompleteTransfer,
    AbortTransfer,
)
QUERIES: Final[tuple[type[Query[Any]], ...]] = (
    PlanTransfer,
    GetGraph,
    GetGraphPicture,
    GetConfiguration,
    GetTransfer,
    ListTransfers,
)
EVENTS: Final = {
    "begun": "a thing is in a gripper, on its way",
    "completed": "it is where it was to go",
    "aborted": "it was left elsewhere, or put back",
    "overdue": "it should have been there by now",
}

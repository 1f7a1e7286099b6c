"""What one command comes to, while it is being worked out: each thing changes once, however often it is touched."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, WHOLE, BaseType
from labstow.contracts.errors import Invalid, InvalidQuantity, NotFound, OverCapacity
from labstow.contracts.resource import NewResource
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.journal import plain
from labstow.workers.kit.noun import Change, Outcome
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.thing import Thing

NAMELESS: Final = "name: a new resource needs one"
TOO_MUCH: Final = Decimal("1e26")
"""What the digits of a quantity do not reach; a sum could."""


class Draft:
    """Changes of one command, on top of the lab, not yet part of it. `anchor` is what is there already of what they
    hang in: what contains it must not be put into it. `mark` is that of the operation.
    """

    def __init__(self, lab: Lab, now: datetime, anchor: Thing | None = None, mark: str = "") -> None:
        self.lab, self.anchor, self.mark, self._now = lab, anchor, mark, now
        self._changes: dict[str, Change[Thing]] = {}
        self._spots: dict[tuple[str, str], str | None] = {}

    def thing(self, resource_id: str) -> Thing:
        """The thing as it is by now, this command's changes included."""
        change = self._changes.get(resource_id)
        return change.thing if change else self.lab.thing(resource_id)

    def occupant(self, container: Thing, position: str) -> str | None:
        """Who is at a position by now."""
        if (container.id, position) in self._spots:
            return self._spots[container.id, position]
        if container.id in self._changes and self.lab.things.get(container.id) is None:  # new, so empty
            return None
        return self.lab.occupant(container, position)

    def occupy(self, container_id: str, position: str | None, resource_id: str | None) -> None:
        """Note who has a position by now; None when it was left."""
        if position is not None:
            self._spots[container_id, position] = resource_id

    def outcome(self, shown: Any, *, group_id: str | None = None, reason: str | None = None) -> Outcome[Thing]:
        """What the command comes to. Things in what is shown are shown as they are by now."""
        changes = tuple(change._replace(reason=reason) for change in self._changes.values())
        return Outcome(self._now_as(shown), changes, group_id)

    def _now_as(self, shown: Any) -> Any:
        if isinstance(shown, Thing):
            return self.thing(shown.id)
        return {key: self._now_as(value) for key, value in shown.items()} if isinstance(shown, dict) else shown

    def change(self, resource_id: str, what: str, **fields: Any) -> Thing:
        """The thing with other fields, one version later than before the command; told once, by its first `what`.

        Raises:
            InvalidQuantity, OverCapacity: the quantity would be none that can be.
        """
        before = self._changes.get(resource_id)
        thing = before.thing if before else self.lab.find(resource_id)
        if thing is None:
            raise NotFound(resource_id=resource_id)
        new = thing._replace(version=thing.version + (before is None), updated_at=self._now, **fields)
        if "capacity" in fields:
            refuse_capacity(new)
        refuse_amount(new)
        self._changes[resource_id] = Change(new, told(before.what, what) if before else what)
        return new

    def create(self, node: NewResource) -> Thing:
        """A thing that is new, nowhere yet, and empty.

        Raises:
            NotFound: it has no name, so a known one was meant.
            Invalid: it has no name, nor an id.
        """
        if node.name is None:
            raise NotFound(resource_id=node.resource_id) if node.resource_id else Invalid(summary=NAMELESS, errors=[])
        kind = node.base_type
        counted = kind in CONTAINERS or kind in CONSUMABLES
        new = Thing(
            id=node.resource_id or new_ulid(),
            name=node.name,
            resource_class=node.resource_class,
            base_type=kind,
            description=node.description,
            owner=node.owner,
            attributes=node.attributes,
            parent_id=None,
            position=None,
            order_seq=None,
            pooled=False,
            removed_from=None,
            rows=node.rows,
            columns=node.columns,
            layers=node.layers,
            one_indexed=node.one_indexed,
            quantity=(node.quantity or Decimal(0)) if counted else None,
            capacity=Decimal(1) if kind is BaseType.SLOT else node.capacity,
            unit=node.unit,
            template_name=None,
            template_version=None,
            created_at=self._now,
            updated_at=self._now,
            removed_at=None,
            removal_id=None,
            version=1,
            next_seq=0,
            head="",
        )
        refuse_amount(new)
        refuse_capacity(new)
        self._changes[new.id] = Change(new, "added")
        return new


def told(first: str, then: str) -> str:
    """What to call two changes of one thing by one command."""
    if (first, then) == ("taken", "placed"):
        return "moved"
    return then if first in ("updated", "contents_changed") and then != "contents_changed" else first


def refuse_capacity(thing: Thing) -> None:
    """Refuse a capacity that cannot be.

    Raises:
        InvalidQuantity: part of a thing that is counted whole.
        OverCapacity: less than there is.
    """
    if thing.capacity is None or thing.quantity is None:
        return
    capacity, quantity = plain(thing.capacity), plain(thing.quantity)
    if thing.base_type in WHOLE and thing.capacity % 1:
        detail = f"{thing.name} cannot have a capacity of {capacity}: it is counted in whole pieces"
        raise InvalidQuantity(detail, name=thing.name, quantity=capacity)
    if thing.quantity > thing.capacity:
        detail = f"{thing.name} has {quantity} by now: a capacity of {capacity} is too small"
        raise OverCapacity(detail, name=thing.name, resource_id=thing.id, capacity=capacity, quantity=quantity)


def refuse_amount(thing: Thing) -> None:
    """Refuse a quantity that cannot be.

    Raises:
        InvalidQuantity: part of a thing that is counted whole, or more than can be written down.
        OverCapacity: more than fits.
    """
    if thing.quantity is None:
        return
    if thing.base_type is BaseType.DISCRETE_CONSUMABLE and thing.quantity % 1:
        raise InvalidQuantity(name=thing.name, quantity=plain(thing.quantity), reason="it is counted in whole pieces")
    if thing.quantity >= TOO_MUCH:
        raise InvalidQuantity(name=thing.name, quantity=f"{thing.quantity:f}", reason=f"it is not below {TOO_MUCH}")
    if thing.capacity is not None and thing.quantity > thing.capacity:
        amounts = {"capacity": plain(thing.capacity), "quantity": plain(thing.quantity)}
        raise OverCapacity(name=thing.name, resource_id=thing.id, **amounts)

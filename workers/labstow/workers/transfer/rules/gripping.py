"""How a transfer begins: a lease on what is moved and on what it goes into, and the thing in a gripper."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from labstow.contracts.base_types import BaseType
from labstow.contracts.lock import Acquire
from labstow.contracts.resource import NewResource
from labstow.workers.kit.leases import hashed
from labstow.workers.kit.noun import By, Change, Outcome
from labstow.workers.lock import taking
from labstow.workers.resource.draft import Draft
from labstow.workers.resource.guard import Guard
from labstow.workers.resource.nesting import height, refuse_cycle, refuse_depth
from labstow.workers.resource.placing import leave, put
from labstow.workers.resource.writing import enter
from labstow.workers.transfer.lab import Lab
from labstow.workers.transfer.rules.attaching import attached
from labstow.workers.transfer.rules.errand import Route

GRIPPER_CLASS: Final = "gripper"


class Grip(NamedTuple):
    """What takes a thing into a gripper."""

    changes: tuple[Change[Any], ...]
    notes: tuple[Any, ...]
    group_id: str | None
    lease: str | None
    """The secret of the lease that was taken for it, hashed; None if the caller has leases on all of it."""
    secret: str | None
    tokens: Mapping[str, int]
    """Of what is moved and of what it goes into, whichever leases are on them."""


def gripped(lab: Lab, way: Route, due_s: float, purpose: str | None, now: datetime, by: By) -> Grip:
    """What is leased for the transfer is moved under that lease.

    Raises:
        LeaseLost, NotYours, Locked, LeaseRequired, LockLimit: the caller may not.
        NotAContainer, Removed, Cycle, TooDeep: the thing does not go into this gripper.
    """
    Guard(lab, now, by)  # a lease that is presented is in force, whatever it is for
    leased, key, secret = _lease(lab, way, due_s, purpose, now, by)
    granted = {change.thing.id: change.thing for change in leased.changes}
    under = replace(lab, leases={**lab.leases, **granted})
    proven = by._replace(leases=(*by.leases, key)) if key is not None else by
    tokens = {each: under.leases[each].token for each in sorted(_ends(way))}
    taken = _into_gripper(under, way, now, proven)
    return Grip((*leased.changes, *taken), leased.notes, leased.group_id, key, secret, tokens)


def _into_gripper(lab: Lab, way: Route, now: datetime, by: By) -> tuple[Change[Any], ...]:
    """What brings a thing into a gripper, which is made if it is not there, and comes back if it was removed idle.

    Raises:
        Removed: it was removed with something in it, or with what it was in.
    """
    detached: tuple[Change[Any], ...] = ()
    if way.source is not None and way.source.resource_id == way.thing.id:
        _, detached = attached(way.source, None, now)
    if way.thing.parent_id == way.gripper_id:
        return detached
    gripper = lab.find(way.gripper_id)
    draft = Draft(lab, now, gripper)
    if gripper is None:
        enter(draft, _gripper(way))
    elif gripper.removed_at is not None and gripper.parent_id is None and not gripper.quantity:
        fields = dict.fromkeys(("removed_at", "removal_id", "removed_from", "position", "order_seq"))
        draft.change(gripper.id, "restored", **fields)
    else:
        lab.container(gripper.id)
    if way.thing.is_container:
        if gripper is not None:
            refuse_cycle(lab, way.thing, gripper)
        refuse_depth(lab, gripper, 1 + height(lab, way.thing) + (gripper is None))
    leave(draft, way.thing)
    put(draft, draft.thing(way.thing.id), way.gripper_id, None)
    return (*Guard(lab, now, by).pass_(draft.outcome(None)).changes, *detached)


def _gripper(way: Route) -> NewResource:
    fields = {"name": f"gripper of {way.node}", "resource_class": GRIPPER_CLASS, "base_type": BaseType.SLOT}
    return NewResource.model_validate({"resource_id": way.gripper_id, **fields, "owner": {"node": way.node}})


def _ends(way: Route) -> set[str]:
    """What is moved, and what it goes into."""
    return {way.thing.id} | ({way.container.id} if way.container is not None else set())


def _lease(
    lab: Lab, way: Route, due_s: float, purpose: str | None, now: datetime, by: By
) -> tuple[Outcome[Any], str | None, str | None]:
    """A lease on both, as far as the caller has none: what grants it, its secret as it is kept, and as it is told."""
    ends = _ends(way) - {lease.id for lease in lab.leases.values() if lease.lease in by.leases and lease.live(now)}
    if not ends:
        return Outcome(None, ()), None, None
    asked = Acquire.model_construct(resource_ids=tuple(sorted(ends)), ttl_s=due_s, purpose=purpose or "transfer")
    granted = taking.acquire(lab, asked, now, by)
    secret = str(granted.shown["lease_id"])
    return granted, hashed(secret), secret

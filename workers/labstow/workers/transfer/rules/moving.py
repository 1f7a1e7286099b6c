"""The move itself: a thing leaves where it is, is in a gripper and nowhere else, and arrives."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from labstow.contracts.errors import Invalid, NotYours
from labstow.contracts.place_errors import Hindered, NotInGripper, TransferOver
from labstow.contracts.placing import Move
from labstow.contracts.positions import Position, guesses
from labstow.contracts.transfer import AbortTransfer, BeginTransfer, CompleteTransfer
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.journal import stamp
from labstow.workers.kit.noun import By, Change, Outcome, Wanted
from labstow.workers.lock import giving
from labstow.workers.resource.guard import Guard
from labstow.workers.resource.nesting import line
from labstow.workers.resource.rules import containers
from labstow.workers.transfer.lab import Footprint, Lab
from labstow.workers.transfer.resolve import NoteOverdue
from labstow.workers.transfer.rules.attaching import attached, refuse_carried, refuse_unattachable
from labstow.workers.transfer.rules.checking import findings
from labstow.workers.transfer.rules.errand import place_of, route, spot
from labstow.workers.transfer.rules.gripping import gripped
from labstow.workers.transfer.transfer import Transfer, gripper_of, state


def begin(lab: Lab, command: BeginTransfer, now: datetime, by: By) -> Outcome[Any]:
    """A thing in a gripper, on its way, with a lease on it and on what it goes into."""
    if not (lab.seen.begins or lab.complete):
        raise Wanted(Footprint(begins=True, limits=True, rows={gripper_of(command.errand.node)}))
    way = route(lab, command.errand)
    if found := findings(lab, way, now, by, present=command.present):
        raise Hindered(summary="; ".join(each["sentence"] for each in found), findings=found)
    grip = gripped(lab, way, command.due_s, command.purpose, now, by)
    new = Transfer(
        id=new_ulid(),
        state="begun",
        resource_id=way.thing.id,
        node=way.node,
        gripper_id=way.gripper_id,
        source=way.source_spot(),
        target=way.target_spot(),
        left_at=None,
        lease=grip.lease,
        holder=by.principal,
        purpose=command.purpose,
        begun_at=now,
        due_at=now + timedelta(seconds=command.due_s),
        overdue=False,
        ended_at=None,
        reason=None,
        version=1,
        head="",
    )
    shown = state(new) | {"lease_id": grip.secret, "tokens": grip.tokens}
    return Outcome(shown, (*grip.changes, Change(new, "begun")), grip.group_id or new_ulid(), grip.notes)


def complete(lab: Lab, command: CompleteTransfer, now: datetime, by: By) -> Outcome[Any]:
    """A thing where it was to go."""
    transfer = lab.transfer(command.transfer_id)
    refuse_over(transfer)
    Guard(lab, now, by)  # a lease that is presented is in force, whatever it is for
    if transfer.holder != by.principal:
        raise NotYours(f"the transfer was begun by {transfer.holder}, who completes it")
    target = transfer.target
    position = target["position"] if command.position is None else command.position
    _foresee(lab, transfer, target["container_id"], position, target["location_id"])
    refuse_taken_out(lab, transfer)
    if target["container_id"] is not None:
        moved = _moved(lab, transfer, target["container_id"], position, now, by)
    else:
        moved = _attached(lab, transfer, target["location_id"], now, by)
    return _over(lab, transfer, "completed", moved, None, now)


def abort(lab: Lab, command: AbortTransfer, now: datetime, by: By) -> Outcome[Any]:
    """A thing where it was left."""
    transfer = lab.transfer(command.transfer_id)
    refuse_over(transfer)
    Guard(lab, now, by)
    if transfer.holder != by.principal and not (command.reason or "").strip():
        raise NotYours("the transfer is somebody else's: give a reason to abort it")
    if command.left == "source":
        source = transfer.source
        _foresee(lab, transfer, source["container_id"], source["position"], source["location_id"])
    else:
        _foresee(lab, transfer, command.container_id, command.position, None)
    thing = lab.find(transfer.resource_id)
    moved: tuple[Change[Any], ...] = ()
    if thing is not None and thing.removed_at is None and thing.parent_id == transfer.gripper_id:
        moved = _left(lab, transfer, command, now, by)
    return _over(lab, transfer, "aborted", moved, command.reason, now)


def note_overdue(lab: Lab, command: NoteOverdue, now: datetime, by: By) -> Outcome[Any]:
    """Transfers that should have been over by now."""
    late = [each for each in map(lab.transfer, command.transfer_ids) if each.open and not each.overdue]
    changed = [each._replace(overdue=True, version=each.version + 1) for each in late if each.due_at <= now]
    return Outcome({}, tuple(Change(each, "overdue") for each in changed))


def _foresee(
    lab: Lab, transfer: Transfer, container_id: str | None, position: Position | None, location_id: str | None
) -> None:
    """Want at once what the end of a transfer looks at, as far as that shows."""
    into = {container_id} if container_id is not None else set()
    lab.want(
        Footprint(
            rows={transfer.resource_id, transfer.gripper_id, *into},
            leases={transfer.lease} if transfer.lease is not None else set(),
            lines=into,
            spots={(each, guess) for each in into for guess in guesses(position)},
            attached={transfer.resource_id},
            places={location_id} if location_id is not None else set(),
            occupied={transfer.resource_id, *into},
            setting=True,
            under_way=True,
        )
    )
    if container_id is not None and (container := lab.find(container_id)) is not None:
        lab.attached_at(*line(lab, container))


def refuse_over(transfer: Transfer) -> None:
    """Refuse to end what is over.

    Raises:
        TransferOver
    """
    if not transfer.open:
        ended = stamp(transfer.ended_at) if transfer.ended_at else None
        raise TransferOver(transfer_id=transfer.id, state=transfer.state, ended_at=ended)


def refuse_taken_out(lab: Lab, transfer: Transfer) -> None:
    """Refuse to complete what somebody removed, or took out of the gripper.

    Raises:
        NotInGripper
    """
    thing = lab.find(transfer.resource_id)
    if thing is None or thing.removed_at is not None:
        how, parent_id = "removed", None
    elif thing.parent_id != transfer.gripper_id:
        how, parent_id = f"taken out of the gripper of {transfer.node}", thing.parent_id
    else:
        return
    facts = {"resource_id": transfer.resource_id, "parent_id": parent_id, "transfer_id": transfer.id}
    raise NotInGripper(name=lab.name(transfer.resource_id), how=how, node=transfer.node, **facts)


def _moved(
    lab: Lab,
    transfer: Transfer,
    container_id: str | None,
    position: Position | None,
    now: datetime,
    by: By,
    *,
    standing: int | None = None,
) -> tuple[Change[Any], ...]:
    """What brings its thing somewhere. That, and what it was to go into, need no other lease than the transfer, however
    late it is; but others may have one.
    """
    to = Move(resource_id=transfer.resource_id, container_id=container_id, position=position)
    outcome = containers.move(lab, to, now, by, standing=standing)
    ends = {transfer.resource_id, transfer.target["container_id"]}
    guard = Guard(*_with_its_lease(lab, transfer, now, by))
    guard.admit((lab.thing(change.thing.id) for change in outcome.changes if change.thing.id in ends), along=True)
    return guard.pass_(outcome).changes


def _with_its_lease(lab: Lab, transfer: Transfer, now: datetime, by: By) -> tuple[Lab, datetime, By]:
    """The lease of the transfer as one that the caller has, and presents besides his own; as far as it is in force."""
    if transfer.lease is None:
        return lab, now, by
    rows = lab.of(transfer.lease)
    live = {lease.id: lease._replace(holder=by.principal) for lease in rows if lease.live(now)}
    over = {lease.id: lease._replace(lease=None) for lease in rows if lease.id not in live}
    proven = by._replace(leases=(*by.leases, transfer.lease)) if live else by
    return replace(lab, leases=lab.leases | over | live), now, proven


def _left(lab: Lab, transfer: Transfer, command: AbortTransfer, now: datetime, by: By) -> tuple[Change[Any], ...]:
    """What brings its thing out of a gripper to where it was left.

    Raises:
        Invalid: nobody said where that is.
    """
    source = transfer.source
    match command.left:
        case "gripper":
            return ()
        case None if command.container_id is None:
            name = lab.name(transfer.resource_id)
            told = f"{name} is in the gripper of {transfer.node}: say where it was left, by left or container_id"
            raise Invalid(summary=told, errors=[])
        case None:
            return _moved(lab, transfer, command.container_id, command.position, now, by)
        case "source" if source["container_id"] is not None:
            to, standing = source["container_id"], source.get("order")
            moved = _moved(lab, transfer, to, source["position"], now, by, standing=standing)
            return (*moved, *(_attached_again(lab, transfer, now) if source.get("attached") else ()))
        case "source" if source["location_id"] is not None:
            return _attached(lab, transfer, source["location_id"], now, by)
        case _:
            return _moved(lab, transfer, None, None, now, by)


def _attached_again(lab: Lab, transfer: Transfer, now: datetime) -> tuple[Change[Any], ...]:
    """What attaches a thing that is in something to where it was attached besides."""
    location = lab.location(transfer.source["location_id"])
    refuse_carried(lab, lab.thing(transfer.source["container_id"]))
    refuse_unattachable(lab, location, transfer.resource_id, by=transfer.id)
    return attached(location, transfer.resource_id, now)[1]


def _attached(lab: Lab, transfer: Transfer, location_id: str, now: datetime, by: By) -> tuple[Change[Any], ...]:
    location = lab.location(location_id)
    refuse_unattachable(lab, location, transfer.resource_id, by=transfer.id)
    _, changes = attached(location, transfer.resource_id, now)
    return (*_moved(lab, transfer, None, None, now, by), *changes)


def _over(
    lab: Lab, transfer: Transfer, how: str, moved: tuple[Change[Any], ...], reason: str | None, now: datetime
) -> Outcome[Any]:
    """A transfer that is over, with its lease given back."""
    thing = next((change.thing for change in moved if change.thing.id == transfer.resource_id), None)
    thing = thing or lab.find(transfer.resource_id)
    place = next((change.thing for change in moved if change.what == "attached"), None)
    left = spot(None, None, place)
    if thing is not None and thing.removed_at is None and thing.parent_id is not None:
        left = spot(thing.parent_id, thing.position, place or place_of(lab, lab.thing(thing.parent_id)))
    fields: dict[str, Any] = {"state": how, "left_at": left, "ended_at": now, "reason": reason}
    over = transfer._replace(version=transfer.version + 1, **fields)
    held = [lease for lease in lab.of(transfer.lease) if lease.live(now)] if transfer.lease is not None else []
    changes = (*moved, *giving.given_back(lab, held, now), Change(over, how, reason))
    return Outcome(over, changes, new_ulid())

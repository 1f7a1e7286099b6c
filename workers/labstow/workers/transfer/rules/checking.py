"""What stands in the way of a transfer: the same whether somebody asks, or begins it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from labstow.contracts.errors import Refusal
from labstow.contracts.place_errors import PresenceUnknown
from labstow.contracts.placing import Move
from labstow.contracts.transfer import MAX_DUE_S, CheckTransfer
from labstow.workers.kit.noun import By, Outcome
from labstow.workers.lock.line import Wish, obstacle
from labstow.workers.resource.rules import containers
from labstow.workers.transfer.lab import Lab
from labstow.workers.transfer.rules.attaching import in_gripper
from labstow.workers.transfer.rules.errand import NUMBERED, Route, route
from labstow.workers.transfer.rules.gripping import gripped
from labstow.workers.transfer.rules.linking import excluded, linked

Found = dict[str, Any]


def check(lab: Lab, command: CheckTransfer, now: datetime, by: By) -> Outcome[Any]:
    """All that stands in the way."""
    way = route(lab, command.errand)
    found = findings(lab, way, now, by, present=command.present) or [*_of_beginning(lab, way, now, by)]
    return Outcome({"ok": not found, "findings": found, "at": now}, ())


def findings(lab: Lab, way: Route, now: datetime, by: By, *, present: bool) -> list[Found]:
    """What stands in the way of a transfer, in the order in which somebody would look.

    Raises:
        PresenceUnknown: whether the node is there matters, and is not known.
    """
    return [
        *_of_places(lab, way),
        *_of_node(lab, way, present=present),
        *_of_other_node(lab, way),
        *_under_way(lab, way),
        *_of_locks(lab, way, now, by),
        *_of_target(lab, way, now, by),
    ]


def finding(code: str, sentence: str, **facts: Any) -> Found:
    """Something that stands in the way."""
    return {"code": code, "sentence": sentence, "facts": facts}


def _of_places(lab: Lab, way: Route) -> Iterator[Found]:
    if way.thing.parent_id is None and way.source is None:
        facts = {"resource_id": way.thing.id}
        yield finding("source.nowhere", f"{way.thing.name} is nowhere: put it somewhere, or attach it", **facts)
    for end, place in (("source", way.source), ("target", way.target)):
        if place is None:
            continue
        facts = {"location_id": place.id, "location": place.name}
        if not place.allow_transfers:
            yield finding(f"{end}.no_transfers", f"location '{place.name}' does not allow transfers", **facts)
        taught = [each.representations for each in linked(lab, place)]  # by any of its names
        if any(taught) and not any(way.node in known for known in taught):
            sentence = f"{way.node} was not taught location '{place.name}'"
            yield finding(f"{end}.not_taught", sentence, node=way.node, **facts)


def _of_node(lab: Lab, way: Route, *, present: bool) -> Iterator[Found]:
    if present:
        if lab.there is None:
            raise PresenceUnknown(reason="Redis does not answer")
        if way.node not in lab.there:
            yield finding("node.absent", f"{way.node} does not say that it is there", node=way.node)
    gripper = lab.find(way.gripper_id)
    full = gripper is not None and gripper.removed_at is None and gripper.quantity
    busy = [each for each in lab.under_way() if each.node == way.node and each.resource_id != way.thing.id]
    if busy or (full and way.thing.parent_id != way.gripper_id):
        facts = {"node": way.node, "gripper_id": way.gripper_id}
        yield finding("node.busy", f"{way.node} is carrying something", **facts)


def _of_other_node(lab: Lab, way: Route) -> Iterator[Found]:
    gripped = in_gripper(lab, way.thing)
    if gripped is None or gripped.node == way.node or way.thing.id in {each.resource_id for each in lab.under_way()}:
        return
    name, node = gripped.thing.name, gripped.node
    sentence = f"{name} is in the gripper of {node}, which alone carries it on: take {node}, or put it somewhere first"
    yield finding("source.other_gripper", sentence, node=node, gripper_id=gripped.thing.parent_id)


def _under_way(lab: Lab, way: Route) -> Iterator[Found]:
    own = {each.id: each for place in way.places for each in linked(lab, place)}
    apart = {each.id: each for each in excluded(lab, [*own.values()])}
    reserved = {each.id for each in linked(lab, way.target)} if way.target is not None else set()
    for transfer in lab.under_way():
        facts = {"transfer_id": transfer.id, "holder": transfer.holder, "node": transfer.node}
        if transfer.resource_id == way.thing.id:
            yield finding("thing.under_way", f"{way.thing.name} is on its way already", **facts)
            continue
        used = {transfer.source["location_id"], transfer.target["location_id"]} - {None}
        for each in sorted(used & apart.keys()):
            name, zone = apart[each].name, {"location_id": each, "location": apart[each].name}
            yield finding("zone.busy", f"location '{name}' is in use, which excludes this one", **facts, **zone)
        if way.container is not None and transfer.target["container_id"] == way.container.id:
            sentence = f"{transfer.node} is bringing something to {way.container.name}"
            yield finding("target.reserved", sentence, **facts, resource_id=way.container.id)
        elif way.container is None and way.target is not None and transfer.target["location_id"] in reserved:
            sentence = f"{transfer.node} is bringing something to location '{way.target.name}'"
            yield finding("target.reserved", sentence, **facts, location_id=way.target.id, location=way.target.name)


def _of_locks(lab: Lab, way: Route, now: datetime, by: By) -> Iterator[Found]:
    proven = {lease.id for lease in lab.leases.values() if lease.lease in by.leases and lease.holder == by.principal}
    ends = {"thing": way.thing.id, "source": way.thing.parent_id, "target": way.container.id if way.container else None}
    for end, resource_id in ends.items():
        if resource_id is None or resource_id in proven:
            continue
        if (hindered := obstacle(lab, Wish((resource_id,), "self", None), now, by)) is not None:
            if end == "source" and hindered.code != "lock.held":  # it is not taken, only taken from
                continue
            facts = hindered.facts
            told = f"{facts['name']} is held by {facts['holder']}" if hindered.code == "lock.held" else hindered.detail
            yield finding(f"{end}.{hindered.code}", told, **_json(facts))


def _of_target(lab: Lab, way: Route, now: datetime, by: By) -> Iterator[Found]:
    thing, container = way.thing, way.container
    here = {place.resource_id for place in linked(lab, way.target)} if way.target is not None else set()
    if way.stays or (container is None and thing.id in here):
        facts = {"resource_id": container.id if container is not None else thing.id}
        yield finding("target.is_source", f"{thing.name} is there already", **facts)
        return
    if container is None:
        return
    if not container.is_container and way.target is not None and container.id in here:
        facts = {"location_id": way.target.id, "resource_id": container.id}
        yield finding("target.occupied", f"location '{way.target.name}' has {container.name} attached", **facts)
        return
    if way.position is None and container.base_type in NUMBERED:
        facts = {"resource_id": container.id, "name": container.name}
        yield finding("target.container.full", f"{container.name} has no free position", **facts)
        return
    to = Move(resource_id=thing.id, container_id=container.id, position=way.position)
    carried = replace(lab, attached={**lab.attached, thing.id: None})  # by then it is attached no more
    try:
        containers.move(carried, to, now, by)
    except Refusal as refusal:
        yield finding(f"target.{refusal.code}", refusal.detail, **_json(refusal.facts))


def _of_beginning(lab: Lab, way: Route, now: datetime, by: By) -> Iterator[Found]:
    """What only shows when somebody begins."""
    try:
        gripped(lab, way, MAX_DUE_S, None, now, by)
    except Refusal as refusal:
        yield finding(f"begin.{refusal.code}", refusal.detail, **_json(refusal.facts))


def _json(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, str | int | float | bool | None) else str(value)
        for name, value in facts.items()
    }

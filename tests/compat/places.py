"""Runs beside MADSci's client, with the address of a labstow: everything that their location client can do."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from madsci.client.location_client import LocationClient  # type: ignore[import-not-found]
from madsci.client.resource_client import ResourceClient  # type: ignore[import-not-found]
from madsci.common.ownership import ownership_context  # type: ignore[import-not-found]
from madsci.common.types.location_types import (  # type: ignore[import-not-found]
    Location,
    LocationManagement,
    LocationRepresentationTemplate,
    LocationTemplate,
)
from madsci.common.types.resource_types import Slot, Stack  # type: ignore[import-not-found]

from tests.compat.telling import refused, sample, tell

client = LocationClient(sys.argv[1])
resources = ResourceClient(sys.argv[1])
NOBODY = "01K5HDZZCF27YHD2WDGSXFPPKZ"
USER = "01M7ZQPRQ5JJRRMTRHKCAVZN4P"


def place(name: str, **fields: Any) -> Any:
    """A location to be."""
    return Location(location_name=f"tour.{name}", **fields)


def making() -> None:
    """Made, made again, read, listed, deleted."""
    new = place("made", description="d", representations={"tour_arm": {"x": 1}, "tour_eye": None})
    tell("sent", new)
    tell("added", client.add_location(new))
    tell("added: the name again", refused(lambda: client.add_location(place("made"))))
    taken = place("other", location_id=new.location_id)
    tell("added: the id again", refused(lambda: client.add_location(taken)))
    tell("read by id", client.get_location(new.location_id))
    tell("read by name", client.get_location_by_name("tour.made"))
    tell("read: unknown id", refused(lambda: client.get_location(NOBODY)))
    tell("read: unknown name", refused(lambda: client.get_location_by_name("tour.nobody")))
    with ownership_context(user_id=USER):
        tell("init: new", client.init_location("tour.owned", managed_by=LocationManagement.NODE))
    tell("init: known", client.init_location("tour.made", representations={"tour_eye": 7}, description="another"))
    tell("listed", [one.location_name for one in client.get_locations()])
    tell("listed: of nodes", [one.location_name for one in client.get_locations(managed_by="node")])
    tell("listed: of nobody", refused(lambda: client.get_locations(managed_by="nobody")))
    tell("deleted", client.delete_location("tour.owned"))
    tell("deleted: again", refused(lambda: client.delete_location("tour.owned")))


def teaching() -> None:
    """What nodes know of a location, by its name and by its id."""
    here = client.add_location(place("taught"))
    for value in ({"key": "value"}, [1, 2, 3], "position_A", 1.5, True, None):
        got = client.set_representation("tour.taught", f"node {type(value).__name__}", value)
    tell("taught", got)
    tell("taught by id", client.set_representation(here.location_id, "tour_arm", [4]))
    tell("forgotten", client.remove_representation("tour.taught", "node list"))
    tell("forgotten: again", refused(lambda: client.remove_representation("tour.taught", "node list")))
    tell("taught: nobody", refused(lambda: client.set_representation("tour.nobody", "tour_arm", 1)))


def filling() -> None:
    """What is at a location."""
    nest = resources.add_resource(Slot(resource_name="nest", resource_class="of the places"))
    stack = resources.add_resource(Stack(resource_name="plates", resource_class="of the places"))
    stack = resources.push(stack, resources.add_resource(sample("plate")))
    resources.push(nest, stack)
    tell("things", [nest.resource_id, stack.resource_id])
    client.add_location(place("filled"))
    client.add_location(place("empty"))
    tell("contents: nothing", client.get_location_resources("tour.filled"))
    tell("attached", client.attach_resource("tour.filled", nest.resource_id))
    tell("attached: elsewhere too", refused(lambda: client.attach_resource("tour.empty", nest.resource_id)))
    tell("attached: what is not there", refused(lambda: client.attach_resource("tour.empty", NOBODY)))
    tell("contents", client.get_location_resources("tour.filled"))
    tell("deleted: full", refused(lambda: client.delete_location("tour.filled")))
    tell("detached", client.detach_resource("tour.filled"))
    tell("detached: again", refused(lambda: client.detach_resource("tour.filled")))


def patterns() -> None:
    """Templates, and a location made from them."""
    deck = {"default_values": {"deck": "standard", "grip": {"force": 2}}, "required_overrides": ["position"]}
    told = client.init_representation_template("tour_deck", schema_def={"type": "object"}, tags=["tour"], **deck)
    tell("deck: init", told)
    again = client.init_representation_template("tour_deck", default_values={"deck": "other"})
    tell("deck: init, known", again)
    arm = LocationRepresentationTemplate(template_name="tour_arm_access", default_values={"speed": "slow"})
    tell("arm: created", client.create_representation_template(arm))
    tell("arm: created again", refused(lambda: client.create_representation_template(arm)))
    tell("arm: read", client.get_representation_template("tour_arm_access"))
    tell("arm: unknown", refused(lambda: client.get_representation_template("tour_nobody")))
    tell("decks", [one.template_name for one in client.get_representation_templates()])

    roles = {"controller": "tour_deck", "arm": "tour_arm_access"}
    tell("slot: init", client.init_location_template("tour_slot", roles, default_allow_transfers=False))
    tell("slot: init, known", client.init_location_template("tour_slot", {}, description="another"))
    shelf = LocationTemplate(template_name="tour_shelf", representation_templates={})
    tell("shelf: created", client.create_location_template(shelf))
    tell("shelf: created again", refused(lambda: client.create_location_template(shelf)))
    tell("shelf: read", client.get_location_template("tour_shelf"))
    tell("shelf: unknown", refused(lambda: client.get_location_template("tour_nobody")))
    tell("slots", [one.template_name for one in client.get_location_templates()])

    nodes, at = {"controller": "lh1", "arm": "arm1"}, {"controller": {"position": 1, "grip": {"width": 3}}}
    tell("from template", client.create_location_from_template("tour.slot_1", "tour_slot", nodes, at))
    for why, *wrong in (
        ("the name again", "tour.slot_1", "tour_slot", nodes, at),
        ("no node", "tour.slot_2", "tour_slot", {"arm": "arm1"}, {}),
        ("no position", "tour.slot_2", "tour_slot", nodes),
        ("unknown", "tour.slot_2", "tour_nobody"),
    ):
        tell(f"from template: {why}", refused(partial(client.create_location_from_template, *wrong)))
    tell("deck: deleted", client.delete_representation_template("tour_deck"))
    tell("deck: deleted again", refused(lambda: client.delete_representation_template("tour_deck")))
    tell("slot: deleted", client.delete_location_template("tour_slot"))
    tell("slot: deleted again", refused(lambda: client.delete_location_template("tour_slot")))


def importing() -> None:
    """Many at once, from a list and from a file, and out again."""
    pair = [place("in_1", representations={"tour_arm": 1}), place("in_2")]
    tell("imported", client.import_locations(locations=pair))
    other = place("in_1", description="again", representations={"tour_eye": 2})
    tell("imported: again", client.import_locations(locations=[other, place("in_3")]))
    tell("imported: over", client.import_locations(locations=[other], overwrite=True))
    bare = place("in_1", representations={"tour_eye": 2})
    tell("imported: over, without a description", client.import_locations(locations=[bare], overwrite=True))
    gone = client.add_location(place("in_gone"))
    client.delete_location("tour.in_gone")
    tell("imported: with a removed id", client.import_locations(locations=[gone]))
    file = Path("locations.yaml")
    file.write_text("- location_name: tour.in_4\n  allow_transfers: false\n- name: tour.in_5\n")
    tell("imported: a file", client.import_locations(file))
    exported = [one for one in client.export_locations() if one.location_name.startswith("tour.")]
    tell("exported", exported)
    tell("imported: what was exported", client.import_locations(locations=exported))
    tell("imported: over what was exported", client.import_locations(locations=exported, overwrite=True))


def planning() -> None:
    """The graph, and ways in it."""
    bench = [place(name, representations={"tour_arm": [n]}) for n, name in enumerate(("bench", "scale"))]
    far = place("far", representations={"tour_belt": {"stop": 3}})
    gate = place("gate", representations={"tour_arm": 9, "tour_belt": {"stop": 1}})
    zone = place("zone", representations={"tour_arm": 7}, allow_transfers=False)
    alone = place("alone", representations={"tour_eye": 1})
    for one in (*bench, far, gate, zone, alone):
        client.add_location(one)
    arm: dict[str, Any] = {
        "node_name": "tour_arm",
        "action": "move",
        "source_argument_name": "from",
        "target_argument_name": "to",
    }
    arm |= {"additional_args": {"grip": "soft"}, "additional_location_args": {"over": "tour.gate"}}
    belt = {"node_name": "tour_belt", "action": "convey", "cost_weight": 0.5}
    can = {"transfer_templates": [arm, belt]}
    tell("capabilities", client.session.put(f"{sys.argv[1]}transfer/capabilities", json=can).json())
    ids = {one.location_name.removeprefix("tour."): one.location_id for one in (*bench, far, gate, zone, alone)}
    tell("ids", ids)
    tell("graph", client.get_transfer_graph())
    tell("graph in detail", client.get_detailed_transfer_graph())
    tell("planned", client.plan_transfer(ids["bench"], ids["scale"]))
    tell("planned: far", client.plan_transfer(ids["bench"], ids["far"]))
    tell("planned: here", client.plan_transfer(ids["bench"], ids["bench"]))
    tell("planned: by name", client.plan_transfer("tour.bench", "tour.scale"))
    tell("planned: forbidden", refused(lambda: client.plan_transfer(ids["bench"], ids["zone"])))
    tell("planned: no way", refused(lambda: client.plan_transfer(ids["bench"], ids["alone"])))
    tell("planned: to nobody", refused(lambda: client.plan_transfer(ids["bench"], NOBODY)))
    plate = resources.add_resource(sample("planned plate"))
    tell("planned: a thing", client.plan_transfer(ids["bench"], ids["scale"], resource_id=plate.resource_id))


async def arefused(action: Callable[[], Coroutine[Any, Any, object]]) -> object:
    """Give the status of what must not succeed."""
    try:
        await action()
    except httpx.HTTPStatusError as error:
        return error.response.status_code
    return None


async def asynchronously() -> None:
    """The methods of the client that wait in an event loop."""
    here = await client.async_add_location(place("async", representations={"tour_arm": 1}))
    tell("async: added", here)
    tell("async: read by id", await client.async_get_location(here.location_id))
    tell("async: read by name", await client.async_get_location_by_name("tour.async"))
    tell("async: unknown", await arefused(lambda: client.async_get_location(NOBODY)))
    tell("async: listed", [one.location_name for one in await client.async_get_locations()])
    tell("async: taught", await client.async_set_representation("tour.async", "tour_eye", None))
    tell("async: forgotten", await client.async_remove_representation("tour.async", "tour_eye"))
    nest = resources.add_resource(Slot(resource_name="async nest"))
    tell("async: attached", await client.async_attach_resource("tour.async", nest.resource_id))
    tell("async: contents", await client.async_get_location_resources("tour.async"))
    tell("async: detached", await client.async_detach_resource("tour.async"))
    tell("async: imported", await client.async_import_locations(locations=[place("async_2")]))
    tell("async: exported", [one.location_name for one in await client.async_export_locations()])
    tell("async: graph", await client.async_get_transfer_graph())
    tell("async: planned", await client.async_plan_transfer(here.location_id, "tour.bench"))

    arm = LocationRepresentationTemplate(template_name="tour_async", default_values={"speed": "slow"})
    tell("async: pattern", await client.async_create_representation_template(arm))
    tell("async: pattern read", await client.async_get_representation_template("tour_async"))
    tell("async: patterns", [one.template_name for one in await client.async_get_representation_templates()])
    slot = LocationTemplate(template_name="tour_async", representation_templates={"arm": "tour_async"})
    tell("async: slot", await client.async_create_location_template(slot))
    tell("async: slot read", await client.async_get_location_template("tour_async"))
    tell("async: slots", [one.template_name for one in await client.async_get_location_templates()])
    made = await client.async_create_location_from_template("tour.async_3", "tour_async", {"arm": "arm1"})
    tell("async: from template", made)
    tell("async: slot deleted", await client.async_delete_location_template("tour_async"))
    tell("async: pattern deleted", await client.async_delete_representation_template("tour_async"))
    tell("async: deleted", await client.async_delete_location("tour.async_3"))


making()
teaching()
filling()
patterns()
importing()
planning()
asyncio.run(asynchronously())

"""Locations as MADSci's clients write and read them."""

from typing import Any, Final

from labstow.contracts.errors import Invalid
from labstow.contracts.ulids import is_ulid
from labstow.gateway.edge import refuse_unknown
from labstow.gateway.madsci.fields import THEIRS, renamed
from labstow.gateway.madsci.shown import BEYOND, OWNERS

Json = dict[str, Any]

CHANGED: Final = ("description", "representations", "allow_transfers", "managed_by", "owner")
"""What can be changed, beside the name."""
GIVEN: Final = (
    *CHANGED,
    "location_id",
    "resource_id",
    "resource_template_name",
    "resource_template_overrides",
    "location_template_name",
    "node_bindings",
)
NAMES: Final = ("location_name", "name")
COMPUTED: Final = ("reservation", "awaits_template", "created_at", "updated_at", "removed_at", "version", BEYOND)
"""What their objects bring along, as they read it here, and nobody can change."""


def given(wire: object, user: str | None) -> Json:
    """Their location to be, as our `NewLocation`; null is what was left out. `user` owns what has no owner.

    Raises:
        Invalid: it is no object, or says something that would mean nothing here.
    """
    if not isinstance(wire, dict):
        raise Invalid(summary="a location is an object", errors=[])
    told = {key: value for key, value in wire.items() if value is not None}
    refuse_unknown(told, (*NAMES, *GIVEN, *COMPUTED), "in a location")
    ours: Json = {key: told[key] for key in GIVEN if key in told}
    if (name := _name(told)) is not None:
        ours["name"] = name
    if isinstance(overrides := ours.get("resource_template_overrides"), dict):
        ours["resource_template_overrides"] = renamed(overrides)
    ours |= _owner(ours, wire)
    if user and not ours.get("owner"):
        ours["owner"] = {"user_id": user}
    return ours


def changed(wire: Json) -> Json:
    """Their changes of a location, as our `LocationPatch`.

    Raises:
        Invalid: something cannot be changed.
    """
    refuse_unknown(wire, (*NAMES, *CHANGED, BEYOND), "that can be changed of a location")
    ours: Json = {key: wire[key] for key in CHANGED if key in wire}
    if any(key in wire for key in NAMES):
        ours["name"] = _name(wire)
    return ours | _owner(ours, wire)


def shown(location: Json) -> Json:
    """Our `Location` as theirs."""
    reservation, overrides = location.get("reservation"), location["resource_template_overrides"]
    known = {who: id_ for who, id_ in location["owner"].items() if who in OWNERS and is_ulid(id_)}
    theirs: Json = {
        "location_name": location["name"],
        "location_id": location["location_id"],
        "resource_id": location["resource_id"],
        "description": location["description"],
        "representations": location["representations"],
        "resource_template_name": location["resource_template_name"],
        "resource_template_overrides": overrides and {THEIRS.get(key, key): each for key, each in overrides.items()},
        "allow_transfers": location["allow_transfers"],
        "reservation": reservation and _reservation(reservation),
        "location_template_name": location["location_template_name"],
        "node_bindings": location["node_bindings"],
        "managed_by": location["managed_by"],
        "owner": known or None,
        "awaits_template": location["awaits_template"],
        "created_at": location["created_at"],
        "updated_at": location["updated_at"],
        "removed_at": location["removed_at"],
        "version": location["version"],
    }
    if beyond := {who: id_ for who, id_ in location["owner"].items() if who not in known}:
        theirs[BEYOND] = {"owner": beyond}
    return theirs


def held(contents: Json) -> Json:
    """Our `Contents` as their hierarchy, which cannot say that there is none."""
    kept = {key: contents[key] for key in ("ancestor_ids", "descendant_ids")}
    return kept | {"resource_id": contents["resource_id"] or ""}


def _name(wire: Json) -> object:
    return wire.get("location_name", wire.get("name"))


def _owner(ours: Json, wire: Json) -> Json:
    """Who owns it, with what their model cannot hold of it."""
    beyond = wire.get(BEYOND)
    more = beyond.get("owner") if isinstance(beyond, dict) else None
    owner = ours.get("owner", {})
    return {"owner": {**more, **owner}} if isinstance(more, dict) and isinstance(owner, dict) else {}


def _reservation(reservation: Json) -> Json:
    by = reservation["owned_by"]
    return {**reservation, "owned_by": {"user_id": by} if is_ulid(by) else {}, "holder": by}

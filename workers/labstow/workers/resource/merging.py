"""Three-way merge: what a client changed since the version it read is written, what others changed since then stays."""

from typing import Any, Final

from labstow.contracts.errors import ChangedByOthers, Invalid, InvalidPosition
from labstow.contracts.positions import canonical
from labstow.contracts.resource import NewResource
from labstow.workers.kit.journal import dumps
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.thing import Thing, state

AMOUNTS: Final = ("quantity", "capacity", "unit")
"""What the others mean depends on the unit: where it changes, those that are named are written together."""
ABSENT: Final = object()


def merged(lab: Lab, thing: Thing, version: int, mark: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Those of the fields that the client changed since the version; of `attributes`, each key for itself. What it
    wrote since then from the same copy, under operations of the same mark, it knows.

    Raises:
        ChangedByOthers: others changed the same field to something else; both are told.
        Invalid: the thing never had this version.
    """
    if version == thing.version:
        return fields
    read = at_version(lab, thing, version)
    for change in lab.written_since(thing, version, mark) if mark else ():
        read = _with(read, change)
    stored = state(thing)
    conflicts: dict[str, dict[str, Any]] = {}
    changed: dict[str, Any] = {}
    yours = {name for name in AMOUNTS if name in fields and not equal(fields[name], read[name])}
    together = AMOUNTS if yours and ("unit" in yours or not equal(stored["unit"], read["unit"])) else ()
    for name, value in fields.items():
        if name == "attributes":
            changed[name] = _by_key(read[name], stored[name], value, conflicts)
        elif not equal(value, read[name]) or name in together:
            if not equal(stored[name], read[name]) and not equal(stored[name], value):
                conflicts[name] = {"read": read[name], "stored": stored[name], "yours": value}
            changed[name] = value
    if conflicts:
        facts: dict[str, Any] = {"resource_id": thing.id, "version": thing.version, "conflicts": conflicts}
        raise ChangedByOthers(name=thing.name, read=version, fields=", ".join(conflicts), **facts)
    return changed


def moved_it(lab: Lab, child: Thing, container: Thing, node: NewResource) -> bool:
    """Whether the client put a known thing where it says it is, rather than read it there."""
    if node.version is None:
        return True
    read = state(child) if node.version == child.version else at_version(lab, child, node.version)
    if read["parent_id"] != container.id:
        return True
    try:
        return node.position is not None and canonical(container.geometry, node.position) != read["position"]
    except InvalidPosition:
        return True


def at_version(lab: Lab, thing: Thing, version: int) -> dict[str, Any]:
    """The state of a thing when it had a version.

    Raises:
        Invalid: it never had.
    """
    found = lab.at_version(thing, version) if version < thing.version else None
    if found is None:
        summary = f"version: {thing.name} is at version {thing.version}, it never had version {version}"
        raise Invalid(summary=summary, errors=[])
    return found


def _with(read: dict[str, Any], change: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What was read, with a change of those who read it; of `attributes`, of the keys that it changed."""
    after = {name: sides["after"] for name, sides in change.items()}
    if "attributes" in change:
        before = change["attributes"]["before"]
        kept = {
            key: value for key, value in read["attributes"].items() if key not in before or key in after["attributes"]
        }
        own = {key: value for key, value in after["attributes"].items() if not equal(value, before.get(key, ABSENT))}
        after["attributes"] = kept | own
    return read | after


def _by_key(
    read: dict[str, Any], stored: dict[str, Any], yours: dict[str, Any], conflicts: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """What is stored, with the keys that the client changed; an absent key was removed."""
    result = dict(stored)
    for key in {**read, **yours}:
        before, now, value = (each.get(key, ABSENT) for each in (read, stored, yours))
        if equal(value, before):
            continue
        if not equal(now, before) and not equal(now, value):
            told = {"read": before, "stored": now, "yours": value}
            conflicts[f"attributes.{key}"] = {side: None if it is ABSENT else it for side, it in told.items()}
        if value is ABSENT:
            result.pop(key, None)
        else:
            result[key] = value
    return result


def equal(one: Any, other: Any) -> bool:
    """Whether two values are written the same; a number that was read from the journal is a text there."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return dumps(one) == dumps(other) or (isinstance(one, dict) and _sorted(one) == _sorted(other))


def _sorted(value: Any) -> Any:
    return {key: _sorted(part) for key, part in sorted(value.items())} if isinstance(value, dict) else value

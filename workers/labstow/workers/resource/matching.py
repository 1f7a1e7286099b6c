"""Finding a thing by what it is, as `init` does."""

from typing import Any

from labstow.contracts.resource import NewResource
from labstow.workers.kit.journal import dumps
from labstow.workers.resource.thing import Thing


def definition(wanted: NewResource) -> dict[str, Any]:
    """What a thing is looked up by."""
    return {
        "name": wanted.name,
        "resource_class": wanted.resource_class,
        "base_type": wanted.base_type,
        "owner": wanted.owner,
        "attributes": wanted.attributes,
    }


def definition_key(node: NewResource) -> str:
    """One text for one definition."""
    return dumps(definition(node)).decode()


def matches(thing: Thing, wanted: NewResource) -> bool:
    """The same rule as the search in the database: equal name, class and type; owner and attributes contained."""
    return (
        thing.removed_at is None
        and (thing.name, thing.resource_class, thing.base_type)
        == (wanted.name, wanted.resource_class, wanted.base_type)
        and contains(thing.owner, wanted.owner)
        and contains(thing.attributes, wanted.attributes)
    )


def contains(whole: object, part: object) -> bool:
    """JSON containment, as Postgres has it (`@>`), for what stands under the same keys."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and contains(whole[key], value) for key, value in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        return all(any(contains(item, value) for item in whole) for value in part)
    return (type(whole) is type(part) and whole == part) or (
        isinstance(whole, int | float)
        and isinstance(part, int | float)
        and not isinstance(whole, bool)
        and not isinstance(part, bool)
        and whole == part
    )

"""Templates as MADSci's clients read and write them: a resource, and about the template.

Its `version` is what its makers call it; ours is `template_version`.
"""

from typing import Any, Final

from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, ORDERED, BaseType
from labstow.contracts.positions import Geometry, canonical, index
from labstow.contracts.ulids import derived_ulid
from labstow.gateway.madsci.fields import OURS, THEIRS, paths, renamed, shown_paths
from labstow.gateway.madsci.given import given
from labstow.gateway.madsci.shown import shown

Json = dict[str, Any]

FIRST: Final = "1.0.0"
"""What a version is called whose maker did not say."""

ABOUT: Final = ("description", "tags", "required_overrides", "created_by")
IDENTITY: Final = ("resource_id", "parent_id", "key")
INSTANCE: Final = ("resource_name", "overrides", *IDENTITY)
BESIDE: Final = frozenset({*ABOUT, *IDENTITY, "version", "children"})
"""What an update may bring along that is no field of the resource, or none that is changed by it."""


def created(wire: Json, op_id: str) -> Json:
    """Their template to be, as our `CreateTemplate`; the same for the same operation."""
    resource = wire.get("resource")
    ours: Json = {"name": wire.get("template_name"), "replace": True, "label": wire.get("version")}
    ours["resource"] = given(resource, op_id) if isinstance(resource, dict) else resource
    ours |= {key: wire[key] for key in ABOUT if wire.get(key) is not None}
    return ours | {"required_overrides": paths(ours.get("required_overrides", []))}


def changed(updates: Json) -> Json:
    """Their updates, of the template or of its resource, as our `TemplatePatch`.

    A `version` that is a number is that of a resource that came along, not what the template is to be called; the
    type of a template cannot change.
    """
    about: Json = {key: updates[key] for key in ABOUT[:3] if updates.get(key) is not None}
    if "required_overrides" in about:
        about["required_overrides"] = paths(about["required_overrides"])
    if isinstance(label := updates.get("version"), str):
        about["label"] = label
    resource = renamed({key: value for key, value in updates.items() if key not in BESIDE})
    resource.pop("base_type", None)
    return about | ({"resource": resource} if resource else {})


def instance(wire: Json) -> Json:
    """Their resource to be made from a template, as our `Instance`."""
    overrides = wire.get("overrides")
    told = {key: wire[key] for key in ("resource_name", *IDENTITY) if wire.get(key) is not None}
    if isinstance(overrides, dict):
        told = {key: overrides[key] for key in IDENTITY if overrides.get(key) is not None} | told
        overrides = renamed({key: value for key, value in overrides.items() if key not in IDENTITY})
    ours = {OURS.get(key, key): value for key, value in told.items()}
    return ours if overrides is None else ours | {"overrides": overrides}


def shown_template(template: Json) -> Json:
    """Our `Template` as a resource of theirs, and about the template."""
    return shown(_thing(template["resource"], template)) | about(template) | {"template_id": template["template_id"]}


def about(template: Json) -> Json:
    """What is told of our `Template` beside its resource."""
    return {
        "template_name": template["name"],
        "description": template["description"],
        "required_overrides": shown_paths(template["required_overrides"]),
        "tags": template["tags"],
        "created_by": template["created_by"],
        "version": template["label"] or FIRST,
        "template_version": template["version"],
        "created_at": template["created_at"],
        "updated_at": template["updated_at"],
    }


def info(template: Json) -> Json:
    """Our `Template` as what is told about one."""
    whole = shown_template(template)
    named = [THEIRS.get(key, key) for key in template["resource"] if key != "children"]
    return about(template) | {"default_values": {key: whole[key] for key in named}, "resource": whole}


def _thing(new: Json, template: Json, parent: Json | None = None, number: int = 0) -> Json:
    """A `NewResource` of a template as the `Resource` it would be."""
    kind = new.get("base_type", BaseType.RESOURCE.value)
    id_ = derived_ulid("template", parent["resource_id"], str(number)) if parent else template["template_id"]
    position = place = None
    if parent:
        size = (parent[key] for key in ("rows", "columns", "layers", "one_indexed"))
        at = Geometry(BaseType(parent["base_type"]), *size)
        position = canonical(at, new.get("position"))
        place = (number,) if at.base_type in ORDERED else index(at, position) if position else ()
    thing = {
        "resource_id": id_,
        "name": new.get("name") or template["name"],
        "resource_class": new.get("resource_class", ""),
        "base_type": kind,
        "parent_id": parent and parent["resource_id"],
        "position": position,
        "index": place,
        "one_indexed": new.get("one_indexed", True),
        "quantity": new.get("quantity") or ("0" if kind in CONSUMABLES else None),
        "template_name": template["name"],
        "removed_at": template["removed_at"],
    }
    thing |= {key: new.get(key) or {} for key in ("owner", "attributes")}
    thing |= {key: new.get(key) for key in ("description", "rows", "columns", "layers", "capacity", "unit")}
    thing |= {key: template[key] for key in ("created_at", "updated_at", "version")}
    if kind in CONTAINERS:
        children = [_thing(child, template, thing, number) for number, child in enumerate(new.get("children", ()))]
        total = sum(float(child["quantity"] or 0) for child in children) if kind == BaseType.POOL else len(children)
        thing |= {"children": children, "quantity": total}
    return thing

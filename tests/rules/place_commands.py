"""Commands about locations, and what they are made from."""

from typing import Any, Final

from labstow.contracts.lab_file import ApplyLab
from labstow.contracts.location import UpdateLocation
from labstow.contracts.pattern import AddFromTemplate, CreateLocationTemplate, CreateRepresentationTemplate
from tests.rules.errand_room import ErrandRoom
from tests.rules.room import Json

REACH: Final[Json] = {
    "name": "arm reach",
    "default_values": {"z": 10, "grip": {"force": 1}},
    "schema_def": {"type": "object", "required": ["joints"], "properties": {"joints": {"minItems": 3}}},
    "required_overrides": ["joints"],
}
NEST: Final[Json] = {
    "name": "nest",
    "representation_templates": {"arm": "arm reach", "gripper": "arm reach"},
    "resource_template_name": "Plate",
    "resource_template_overrides": {"attributes": {"lot": 1}},
    "default_allow_transfers": False,
}


def update(location: str, **changes: Any) -> UpdateLocation:
    return UpdateLocation.model_validate({"location": location, "changes": changes})


def apply(*locations: Json, **fields: Any) -> ApplyLab:
    how = {name: fields.pop(name) for name in ("absent_only", "dry_run") if name in fields}
    return ApplyLab.model_validate({"places": {"locations": locations, **fields}, **how})


def create(errands: ErrandRoom, template: Json, **fields: Any) -> Json:
    """A pattern."""
    known = CreateLocationTemplate if "representation_templates" in template else CreateRepresentationTemplate
    return errands.ask(known.model_validate({"template": template, **fields}))


def from_nest(name: str = "n1", **fields: Any) -> AddFromTemplate:
    """A location made from `NEST`, unless something is said otherwise."""
    joints = {"joints": [1, 2, 3]}
    whole = {
        "name": name,
        "template": "nest",
        "node_bindings": {"arm": "kuka", "gripper": "hand"},
        "representation_overrides": {"arm": joints, "gripper": {**joints, "grip": {"wide": True}}},
    }
    return AddFromTemplate.model_validate(whole | fields)

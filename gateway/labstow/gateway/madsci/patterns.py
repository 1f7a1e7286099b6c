"""Representation templates and location templates as MADSci's clients write and read them.

Their `version` is what its makers call it; ours is `template_version`.
"""

from typing import Any, Final

from labstow.gateway.edge import refuse_unknown
from labstow.gateway.madsci.fields import THEIRS, renamed

Json = dict[str, Any]

ABOUT: Final = ("template_id", "description", "tags", "created_by")
REPRESENTATION: Final = (*ABOUT, "default_values", "schema_def", "required_overrides")
LOCATION: Final = (
    *ABOUT,
    "representation_templates",
    "resource_template_name",
    "resource_template_overrides",
    "default_allow_transfers",
)
OURS: Final = {"template_name": "name", "version": "label", "schema": "schema_def"}
"""Names of theirs that are others of ours."""
COMPUTED: Final = ("created_at", "updated_at", "removed_at", "template_version")

FROM: Final = {"location_name": "name", "template_name": "template"}
PLAYED: Final = (
    "node_bindings",
    "representation_overrides",
    "resource_template_overrides",
    "description",
    "allow_transfers",
)


def given(wire: Json, fields: tuple[str, ...]) -> Json:
    """Their template to be as ours, which has these fields; null is what was left out.

    Raises:
        Invalid: it says something that would mean nothing here.
    """
    told = {key: value for key, value in wire.items() if value is not None and key not in COMPUTED}
    refuse_unknown(told, (*OURS, *fields), "in a template")
    return _overrides({OURS.get(key, key): value for key, value in told.items()})


def shown(template: Json, fields: tuple[str, ...]) -> Json:
    """Our template, which has these fields, as theirs."""
    theirs = {
        "template_name": template["name"],
        **{key: template[key] for key in fields},
        "version": template["label"],
        "created_at": template["created_at"],
        "updated_at": template["updated_at"],
        "template_version": template["version"],
    }
    if overrides := theirs.get("resource_template_overrides"):
        theirs["resource_template_overrides"] = {THEIRS.get(key, key): value for key, value in overrides.items()}
    return theirs


def made(wire: Json) -> Json:
    """Their location to be made from a template, as our `AddFromTemplate`.

    Raises:
        Invalid: it says something that would mean nothing here.
    """
    told = {key: value for key, value in wire.items() if value is not None}
    refuse_unknown(told, (*FROM, *PLAYED), "here")
    return _overrides({FROM.get(key, key): value for key, value in told.items()})


def _overrides(ours: Json) -> Json:
    """It, with our names of fields of resources."""
    overrides = ours.get("resource_template_overrides")
    return ours | {"resource_template_overrides": renamed(overrides)} if isinstance(overrides, dict) else ours

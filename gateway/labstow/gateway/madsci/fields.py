"""Names of fields, theirs and ours, where something is told about some fields of a resource only."""

from collections.abc import Iterable
from typing import Any, Final

from labstow.gateway.madsci.given import amounts, rounded, size
from labstow.gateway.madsci.shown import BEYOND

Json = dict[str, Any]

OURS: Final = {
    "resource_name": "name",
    "resource_description": "description",
    "is_one_indexed": "one_indexed",
    "length": "columns",
    "key": "position",
}
THEIRS: Final = {ours: theirs for theirs, ours in OURS.items() if theirs != "length"}

NOT_TOLD: Final = frozenset(
    {
        "resource_name_prefix",
        "custom_attributes",
        "resource_url",
        "created_at",
        "updated_at",
        "removed",
        "removed_at",
        "locked_by",
        "locked_until",
        "template_name",
        "template_version",
        "template_id",
        BEYOND,
    }
)
"""What their objects bring along and nobody can change."""

AMOUNTS: Final = ("quantity", "capacity")
DOTTED: Final = ("attributes.", "owner.")
_BY_TYPE: Final = frozenset({"rows", "columns", "layers", "length", "is_one_indexed", "quantity", "capacity", "unit"})


def renamed(fields: Json) -> Json:
    """Some fields of a resource with our names; of a whole object, those that its type has.

    What is in `attributes` and `owner` may be told with dots, such as `attributes.lot`.
    """
    fields = nested(fields)
    kept = {key: value for key, value in fields.items() if key not in NOT_TOLD}
    if isinstance(kind := fields.get("base_type"), str):
        kept = {key: value for key, value in kept.items() if key not in _BY_TYPE}
        unit = {"unit": fields["unit"]} if fields.get("unit") is not None else {}
        return _renamed(kept) | size(kind, fields) | amounts(kind, fields) | unit
    return _renamed(kept)


def nested(fields: Json) -> Json:
    """The same with `attributes` and `owner` whole, where keys in them were told with dots; they win."""
    whole = {key: value for key, value in fields.items() if not key.startswith(DOTTED)}
    for path in fields.keys() - whole.keys():
        *above, last = path.split(".")
        inside = whole
        for key in above:
            below = dict(known) if isinstance(known := inside.get(key), dict) else {}
            inside[key] = below
            inside = below
        inside[last] = fields[path]
    return whole


def paths(told: object) -> object:
    """Their paths of fields, such as `attributes.lot`, as ours."""
    return [_path(path, OURS) for path in told] if isinstance(told, list) else told


def shown_paths(told: Iterable[str]) -> list[str]:
    """Our paths of fields as theirs."""
    return [str(_path(path, THEIRS)) for path in told]


def _renamed(fields: Json) -> Json:
    return {OURS.get(key, key): rounded(value) if key in AMOUNTS else value for key, value in fields.items()}


def _path(path: object, names: dict[str, str]) -> object:
    if not isinstance(path, str):
        return path
    first, *rest = path.split(".")
    return ".".join([names.get(first, first), *rest])

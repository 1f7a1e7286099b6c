"""What a template keeps of a resource, and how that is changed and filled in."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from pydantic import ValidationError

from labstow.contracts.resource import NewResource
from labstow.contracts.template import NEVER_DEFAULTED
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.mistakes import invalid, refused

Json = dict[str, Any]

FREE: Final = ("attributes", "owner")
"""Fields that hold what anybody likes: they are merged, all others replaced."""
OVERRIDABLE: Final = NewResource.model_fields.keys() - NEVER_DEFAULTED


def stored(node: NewResource) -> Json:
    """A resource as a template keeps it: the named fields of it and of what is in it, without ids and versions.

    Positions are kept in it, not its own.
    """
    tree: Json = orjson.loads(dumps(node.model_dump(exclude_unset=True)))
    tree.pop("position", None)
    return _bare(tree)


def validated(tree: Json, within: str = "") -> NewResource:
    """The resource that a tree is.

    Raises:
        Invalid: it is none; with the mistakes and their places.
    """
    try:
        return NewResource.model_validate(tree)
    except ValidationError as error:
        raise invalid(error, within) from None


def merged(tree: Json, fields: Json) -> Json:
    """A tree with other fields; `attributes` and `owner` merge deeply, and a null removes a key of theirs."""
    result = tree | fields
    for name in FREE:
        if isinstance(fields.get(name), dict):
            result[name] = _deep(tree.get(name), fields[name])
    return result


def refuse_fixed(fields: Iterable[str], within: str) -> None:
    """Refuse fields that no template leaves to its user.

    Raises:
        Invalid: with the name of each.
    """
    if errors := [{"at": f"{within}.{name}", "what": _why_not(name)} for name in fields if name not in OVERRIDABLE]:
        raise refused(errors)


def refuse_paths(paths: Iterable[str], within: str) -> None:
    """Refuse to require what cannot be overridden.

    Raises:
        Invalid: with each path that is neither such a field, nor leads into `attributes` or `owner`.
    """
    errors = []
    for number, path in enumerate(paths):
        field, *keys = path.split(".")
        if field not in OVERRIDABLE:
            errors.append({"at": f"{within}.{number}", "what": f"{path}: {_why_not(field)}"})
        elif not all(keys) or (keys and field not in FREE):
            errors.append({"at": f"{within}.{number}", "what": f"{path}: dots lead into {' and '.join(FREE)} only"})
    if errors:
        raise refused(errors)


def gives(fields: Mapping[str, Any], path: str) -> bool:
    """Whether something other than null stands at a path."""
    found: Any = fields
    for key in path.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found is not None


def _bare(tree: Json) -> Json:
    left_out = ("resource_id", "version")
    fields = {name: value for name, value in tree.items() if value is not None and name not in left_out}
    if children := fields.pop("children", ()):
        fields["children"] = [_bare(child) for child in children]
    return fields


def _deep(old: Any, new: Json) -> Json:
    result: Json = dict(old) if isinstance(old, dict) else {}
    for key, value in new.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _deep(result.get(key), value) if isinstance(value, dict) else value
    return result


def _why_not(field: str) -> str:
    return "no template leaves this to its user" if field in NEVER_DEFAULTED else "a resource has no such field"

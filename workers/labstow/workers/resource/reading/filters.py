"""What `find` filters by, as conditions with bound values. Nothing of a query becomes part of a statement."""

from typing import Any, Final

from sqlalchemy import ColumnElement, DateTime, Numeric, Text, any_, bindparam, func, literal_column
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from labstow.contracts.base_types import matching
from labstow.contracts.queries import Find
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.statements import texts
from labstow.workers.resource.tables import resource, words

Values = dict[str, Any]

EQUAL: Final = ("name", "resource_class", "description", "parent_id", "template_name")
CONTAINED: Final = ("owner", "attributes")
MOMENTS: Final = ("created_after", "created_before", "updated_after", "updated_before")
SELECTIVE: Final = frozenset({*CONTAINED, *MOMENTS, "text", "base_types", "is_empty", "is_not_empty"})
"""Filters that may let much through or little: which, is worth a plan of its own."""

_NOTHING: Final[ColumnElement[Any]] = literal_column("'{}'::jsonb")
_ZERO: Final[ColumnElement[Any]] = literal_column("0", Numeric)
_BETWEEN: Final[list[ColumnElement[Any]]] = [literal_column(each) for each in ("'[^[:alnum:]]+'", "' '", "'g'")]
_SEPARATED: Final = func.trim(func.regexp_replace(bindparam("text", type_=Text), *_BETWEEN))
_PREFIXES: Final = func.regexp_replace(
    func.regexp_replace(_SEPARATED, literal_column("' '"), literal_column("':* & '"), literal_column("'g'")),
    literal_column("'(.)$'"),
    literal_column(r"'\1:*'"),
)
WORDS: Final = func.to_tsquery(literal_column("'simple'::regconfig"), _PREFIXES)
"""Each word of a text as the beginning of one; divided into words as the index does it."""


def moment(name: str) -> ColumnElement[Any]:
    """A parameter that is a moment."""
    return bindparam(name, type_=DateTime(timezone=True))


def conditions(of: ReadOnlyColumnCollection[str, Any]) -> dict[str, ColumnElement[bool]]:
    """All filters by name, on columns that are called as those of a resource."""
    equal = (*EQUAL, "base_type")
    return {
        **{name: of[name] == bindparam(name) for name in equal},
        "base_types": of["base_type"] == any_(texts("base_types")),
        # The second half is what the index is made for.
        "owner": of["owner"].contains(bindparam("owner", type_=JSONB)) & (of["owner"] != _NOTHING),
        "attributes": of["attributes"].contains(bindparam("attributes", type_=JSONB)) & (of["attributes"] != _NOTHING),
        "text": words.op("@@")(WORDS),
        "is_empty": of["quantity"] == _ZERO,
        "is_not_empty": of["quantity"] > _ZERO,
        "removed": of["removal_id"].is_not(None),
        "present": of["removed_at"].is_(None),
        "created_after": of["created_at"] >= moment("created_after"),
        "created_before": of["created_at"] <= moment("created_before"),
        "updated_after": of["updated_at"] >= moment("updated_after"),
        "updated_before": of["updated_at"] <= moment("updated_before"),
    }


FILTERS: Final = conditions(resource.c) | {"resource_id": resource.c.id == bindparam("resource_id")}


def filters(query: Find) -> Values:
    """The filters a query has, by their names in `FILTERS`, with their values."""
    given: Values = {
        name: value for name in ("resource_id", *EQUAL, *MOMENTS, "text") if (value := getattr(query, name)) is not None
    }
    given |= {name: dumps(value).decode() for name in CONTAINED if (value := getattr(query, name))}
    if query.base_type is not None:
        kinds = sorted(matching(query.base_type))
        given |= {"base_type": kinds[0]} if len(kinds) == 1 else {"base_types": kinds}
    if query.is_empty is not None:
        given["is_empty" if query.is_empty else "is_not_empty"] = None
    if query.removed is not None:
        given["removed" if query.removed else "present"] = None
    return given

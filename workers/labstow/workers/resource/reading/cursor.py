"""Where a page ended: what the next one begins after. Opaque to callers, checked when it comes back."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter, ValidationError

from labstow.contracts.errors import Invalid
from labstow.contracts.message import Exact, Instant, Text, Ulid
from labstow.contracts.queries import Find, Sort
from labstow.workers.kit.journal import dumps

_Mark = Annotated[list[Any], Field(min_length=4, max_length=4)]
_VALUES: Final[dict[Sort, TypeAdapter[Any]]] = {
    Sort.ID: TypeAdapter(None),
    Sort.NAME: TypeAdapter(Text),
    Sort.RESOURCE_CLASS: TypeAdapter(Text),
    Sort.CREATED_AT: TypeAdapter(Instant),
    Sort.UPDATED_AT: TypeAdapter(Instant),
    Sort.QUANTITY: TypeAdapter(Exact | None),
}
_MARK: Final[TypeAdapter[list[Any]]] = TypeAdapter(_Mark)
_ID: Final[TypeAdapter[str]] = TypeAdapter(Ulid)


def cursor(query: Find, last: dict[str, Any]) -> str:
    """The end of a page whose last resource is this one."""
    value = None if query.sort is Sort.ID else last[query.sort]
    return urlsafe_b64encode(dumps([query.sort, query.descending, value, last["resource_id"]])).decode().rstrip("=")


def after(query: Find) -> tuple[Any, str] | None:
    """What the page comes after: the value it is sorted by, and an id.

    Raises:
        Invalid: nobody was given this cursor for such a query.
    """
    if query.after is None:
        return None
    try:
        padded = query.after + "=" * (-len(query.after) % 4)
        sort, descending, value, resource_id = _MARK.validate_json(urlsafe_b64decode(padded))
        if (sort, descending) != (query.sort, query.descending):
            raise Invalid(summary="after: it belongs to a query with another order", errors=[])
        return _VALUES[query.sort].validate_python(value), _ID.validate_python(resource_id)
    except (Error, UnicodeError, ValidationError, ValueError):
        raise Invalid(summary="after: not what `next` of a page said", errors=[]) from None

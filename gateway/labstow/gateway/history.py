"""History over REST, in the shape of MADSci's clients."""

from functools import lru_cache
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from orjson import Fragment

from labstow.contracts.errors import Invalid
from labstow.contracts.history import MAX_ENTRIES
from labstow.contracts.resource import EVENTS
from labstow.gateway.answers import known, passed
from labstow.gateway.edge import Route, ask, body, json, refuse_unknown
from labstow.gateway.madsci.shown import KEPT, Told, columns
from labstow.gateway.openapi import RESOURCE_ID, asks, takes
from labstow.gateway.paging import page
from labstow.gateway.parameters import FLAG, MOMENT, TEXT, WHOLE, instant, parameters

Json = dict[str, Any]

OF_ONE: Final = {
    "version": WHOLE,
    "removed": FLAG,
    "change_type": TEXT,
    "actor": TEXT,
    "start_date": MOMENT,
    "end_date": MOMENT,
    "limit": WHOLE,
}
KEYS: Final = OF_ONE | {"resource_id": TEXT}
ANY: Final = {
    "noun": TEXT,
    "entity_id": TEXT,
    "version": WHOLE,
    "what": TEXT,
    "removed": FLAG,
    "actor": TEXT,
    "since": MOMENT,
    "until": MOMENT,
    "limit": WHOLE,
    "before": WHOLE,
}
THEN: Final = {"resource_id": TEXT, "at": MOMENT}
SPAN: Final = {"resource_id": TEXT, "since": MOMENT, "until": MOMENT}

ADDED, UPDATED, REMOVED = "Added", "Updated", "Removed"
WHAT: Final = {ADDED: "added", REMOVED: "removed"}
"""Their kinds of change that are one of ours; all others of ours are `Updated` to them."""
KIND: Final = {what: kind for kind, what in WHAT.items()}

router = APIRouter(route_class=Route, tags=["history"])


@router.post("/history/query", openapi_extra=takes({"resource_id": RESOURCE_ID, "limit": 100}))
async def query(request: Request) -> Response:
    """Read what happened, oldest first: the newest `limit` changes (100; null for all) that match.

    `change_type` is Added, Updated or Removed, or the `what` of a change.
    """
    return await changes(request, await body(request))


@router.get("/resource/{resource_id}/history", openapi_extra=asks(OF_ONE))
async def history(request: Request, resource_id: str) -> Response:
    """Read what happened to a resource, oldest first: the newest `limit` changes (100) that match."""
    return await changes(request, {"resource_id": known(resource_id), **parameters(request, OF_ONE)})


@router.get("/history", openapi_extra=asks(ANY))
async def entries(request: Request) -> Response:
    """Read the history of everything, templates too, entry by entry; `previous` of one page is `before` of the next."""
    return await passed(request, "history.query", parameters(request, ANY))


@router.get("/history/at", openapi_extra=asks(THEN))
async def at(request: Request) -> Response:
    """Read the newest change of a resource up to a moment, and with it how the resource was then."""
    told = parameters(request, THEN)
    query = {"entity_id": told.get("resource_id"), "at": told.get("at")}
    return json(change(orjson.loads(await ask(request, "history.at", query))))


@router.get("/history/diff", openapi_extra=asks(SPAN))
async def diff(request: Request) -> Response:
    """Tell what is different about a resource, and everything in it, between two moments; `until` may be now."""
    return await passed(request, "history.diff", parameters(request, SPAN))


async def changes(request: Request, wire: Json) -> Response:
    """Answer the changes that match, in as many questions as it takes."""
    find, limit = question(wire)
    size = MAX_ENTRIES if limit is None or wire.get("change_type") == UPDATED else min(limit, MAX_ENTRIES)
    found: list[Fragment] = []
    before = None
    while True:
        read, size = await page(request, "history.query", find | {"before": before}, size)
        entries = read["entries"]
        if wire.get("change_type") == UPDATED:
            entries = [entry for entry in entries if entry["what"] not in KIND]
        found = [Fragment(_written(Told((entry["event_id"],), entry))) for entry in entries] + found
        before = read["previous"]
        if before is None or (limit is not None and len(found) >= limit):
            return json(found if limit is None else found[-limit:])


def question(wire: Json) -> tuple[Json, int | None]:
    """Their query as ours, and how many changes are wanted at most.

    Raises:
        Invalid: it has a filter that we do not know, or a kind of change, limit or date that is none.
    """
    refuse_unknown(wire, KEYS, "in a query of the history")
    limit = wire.get("limit", 100)
    if limit is not None and (type(limit) is not int or limit < 1):
        raise Invalid(summary="limit: expected a whole number from 1", errors=[])
    find = {
        "noun": "resource",
        "entity_id": wire.get("resource_id"),
        "version": wire.get("version"),
        "what": _what(wire.get("change_type")),
        "removed": wire.get("removed"),
        "actor": wire.get("actor"),
        "since": _date("start_date", wire.get("start_date")),
        "until": _date("end_date", wire.get("end_date")),
    }
    return {key: value for key, value in find.items() if value is not None}, limit


@lru_cache(KEPT)
def _written(told: Told) -> bytes:
    """A change as it is written; the same for ever, so once."""
    entry, told.json = told.json, {}
    return orjson.dumps(change(entry))


forget: Final = _written.cache_clear


def change(entry: Json) -> Json:
    """Give a journal entry in their flat form: the resource after the change, and about the change."""
    return columns(entry["state"]) | {
        "parent_id": entry["parent_id"],
        "version": entry["version"],
        "change_type": KIND.get(entry["what"], UPDATED),
        "changed_at": entry["at"],
        "timestamp": entry["at"],
        "child_ids": [],
        "details": details(entry),
        "what": entry["what"],
        "actor": entry["actor"],
        "via": entry["via"],
        "op_id": entry["op_id"],
        "reason": entry["reason"],
    }


def details(entry: Json) -> str:
    """Say in a line what changed."""
    changes = "; ".join(
        f"{field}: {_brief(values['before'])} -> {_brief(values['after'])}"
        for field, values in entry["changes"].items()
        if entry["what"] != "added"
    )
    return f"{entry['what'].replace('_', ' ')}{': ' if changes else ''}{changes}"


def _brief(value: object) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= 60 else text[:57] + "..."


def _what(kind: object) -> str | None:
    """A kind of change as ours; None for all, and where several of ours are one of theirs."""
    if kind is None or kind == UPDATED:
        return None
    what = WHAT.get(str(kind), str(kind))
    if what not in EVENTS:
        raise Invalid(summary=f"change_type: {what[:80]} is none of {', '.join([*WHAT, UPDATED, *EVENTS])}", errors=[])
    return what


def _date(key: str, text: object) -> str | None:
    try:
        return None if text is None else instant(text)
    except ValueError as error:
        raise Invalid(summary=f"{key}: {error}", errors=[]) from None

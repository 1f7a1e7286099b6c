"""History over REST, in the shape of MADSci's clients."""

from datetime import UTC, datetime
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from labstow.contracts.errors import Invalid
from labstow.contracts.history import MAX_ENTRIES
from labstow.gateway.edge import Route, body, json
from labstow.gateway.madsci import columns
from labstow.gateway.openapi import takes
from labstow.gateway.paging import page

Json = dict[str, Any]

KEYS: Final = frozenset({"resource_id", "version", "removed", "change_type", "start_date", "end_date", "limit"})
ADDED, UPDATED, REMOVED = "Added", "Updated", "Removed"
WHAT: Final = {ADDED: "added", REMOVED: "removed"}
"""Their kinds of change that are one of ours; all others of ours are `Updated` to them."""

router = APIRouter(route_class=Route, tags=["history"])


@router.post("/history/query", openapi_extra=takes({"resource_id": "01M7ZQPJ4RNK3G1KAYMQFFSG2C", "limit": 100}))
async def query(request: Request) -> Response:
    """Read what happened, oldest first: the newest `limit` changes (100; null for all) that match."""
    wire = await body(request)
    find, limit = question(wire)
    size = MAX_ENTRIES if limit is None or wire.get("change_type") == UPDATED else min(limit, MAX_ENTRIES)
    found: list[Json] = []
    before = None
    while True:
        read, size = await page(request, "history.query", find | {"before": before}, size)
        changes = [change(entry) for entry in read["entries"]]
        if wire.get("change_type") == UPDATED:
            changes = [entry for entry in changes if entry["change_type"] == UPDATED]
        found = changes + found
        before = read["previous"]
        if before is None or (limit is not None and len(found) >= limit):
            return json(found if limit is None else found[-limit:])


def question(wire: Json) -> tuple[Json, int | None]:
    """Their query as ours, and how many changes are wanted at most.

    Raises:
        Invalid: it has a filter that we do not know, or a limit or date that is none.
    """
    if unknown := sorted(wire.keys() - KEYS):
        raise Invalid(summary=f"a query of the history has no {', '.join(unknown)[:200]}", errors=[])
    limit = wire.get("limit", 100)
    if limit is not None and (type(limit) is not int or limit < 1):
        raise Invalid(summary="limit: expected a whole number from 1", errors=[])
    kind = wire.get("change_type")
    find = {
        "noun": "resource",
        "entity_id": wire.get("resource_id"),
        "version": wire.get("version"),
        "what": None if kind == UPDATED else WHAT.get(str(kind), kind),
        "removed": wire.get("removed"),
        "since": _instant("start_date", wire.get("start_date")),
        "until": _instant("end_date", wire.get("end_date")),
    }
    return {key: value for key, value in find.items() if value is not None}, limit


def change(entry: Json) -> Json:
    """Give a journal entry in their flat form: the resource after the change, and about the change."""
    return columns(entry["state"]) | {
        "parent_id": entry["parent_id"],
        "version": entry["version"],
        "change_type": {what: kind for kind, what in WHAT.items()}.get(entry["what"], UPDATED),
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


def _instant(key: str, text: object) -> str | None:
    """A date as ours, which has a zone; theirs without one is UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise Invalid(summary=f"{key}: {str(text)[:80]} is not a date and time in ISO 8601", errors=[]) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()

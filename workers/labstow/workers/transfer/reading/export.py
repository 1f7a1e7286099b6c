"""The laboratory as a lab file."""

from typing import Any, Final

import orjson
from sqlalchemy import select

from labstow.contracts.capabilities import Capabilities
from labstow.contracts.lab_file import ExportLab, PlaceEntry
from labstow.contracts.message import Message
from labstow.contracts.pattern import NewLocationTemplate, NewRepresentationTemplate
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.pipeline import Ask, Pipeline, Statement
from labstow.workers.kit.reader import snapshot
from labstow.workers.transfer.loads import LOCATION, PATTERN, VERSION, WHAT_IS_SET
from labstow.workers.transfer.location import Location
from labstow.workers.transfer.pattern import Pattern
from labstow.workers.transfer.setting import Setting
from labstow.workers.transfer.tables import location, pattern

Json = dict[str, Any]

PLACES: Final = Statement.of(select(*LOCATION).where(location.c.removed_at.is_(None)).order_by(location.c.name))
PATTERNS: Final = Statement.of(select(*PATTERN).where(pattern.c.removed_at.is_(None)).order_by(pattern.c.name))
MODELS: Final[dict[str, type[Message]]] = {
    "representation_template": NewRepresentationTemplate,
    "location_template": NewLocationTemplate,
}


async def export(db: Pipeline, query: ExportLab) -> bytes:
    """Everything that a lab file can say, as it is, without what is as it would be anyway."""
    async with snapshot(db):
        asks = Ask(VERSION), Ask(PLACES), Ask(WHAT_IS_SET), Ask(PATTERNS)
        ((version,),), places, setting, patterns = await db.exchange(*asks)
    known: Json = {"locations": [_entry(Location._make(row)) for row in places]}
    if setting:
        capabilities = Capabilities.model_validate(Setting._make(setting[0]).capabilities)
        known["transfer_capabilities"] = orjson.loads(dumps(capabilities.model_dump(exclude_defaults=True)))
    for each in map(Pattern._make, patterns):
        body = {"template_id": each.id, "name": each.name, **each.body}
        entry = MODELS[each.kind].model_validate(body).model_dump(exclude_defaults=True)
        known.setdefault(f"{each.kind}s", []).append(entry)
    return dumps({"places": known, "lab_version": version})


def _entry(of: Location) -> Json:
    fields = {name: value for name, value in of._asdict().items() if name in PlaceEntry.model_fields}
    whole = PlaceEntry.model_validate(
        {"location_id": of.id, "location_name": of.name, **fields, "owner": of.owner or None}
    )
    return whole.model_dump(exclude_defaults=True)

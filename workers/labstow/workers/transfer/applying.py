"""What a lab file makes of locations, capabilities and templates: values in, values out.

What is not there is added. What is there changes only where it still is as a lab file left it; what was taught, or
changed by hand, is kept and told. A null, outside of representations, says as little as what is left out.
"""

from typing import Any, Final, NamedTuple

import orjson

from labstow.contracts.capabilities import Capabilities, CapacityCosts
from labstow.contracts.lab_file import Difference, PlaceEntry
from labstow.contracts.message import Message
from labstow.workers.kit.journal import dumps
from labstow.workers.transfer.comparing import Finding, Json, Shape, brought, compare, said
from labstow.workers.transfer.location import Location

NOTHING: Final[tuple[object, ...]] = (None, {})
"""What says nothing."""
WHOLE: Final = "is new"
THERE: Final = "is there already, and stays"


def plain(message: Message, *, named: bool = False) -> Json:
    """A message as JSON, as it is kept; with `named`, only what was named in it."""
    fields: Json = orjson.loads(dumps(message.model_dump(exclude_unset=named)))
    return fields


PLACE: Final = Shape({"representations": 1}, {"allow_transfers": True, "managed_by": "lab"})
"""Each representation for itself: nodes are taught one by one."""
ABILITIES: Final = Shape(
    {"override_transfer_templates": 3, "capacity_cost_config": 1},
    {**plain(Capabilities()), "capacity_cost_config": plain(CapacityCosts())},
)
"""The templates of a special case, or all the default ones, are one value."""


class Merge(NamedTuple):
    """What becomes of a thing."""

    fields: Json
    """Those that change, as they are to be; all that the file names of what is new."""
    applied: Json | None
    """What files have said of it by then."""
    differences: tuple[Difference, ...]


def merged_location(live: Location | None, entry: PlaceEntry, *, absent_only: bool = False) -> Merge:
    """What an entry makes of the location of its name, or of none.

    It keeps its id and its name. `applied` may change where nothing else does: file and laboratory agree from then on.
    """
    path = f"locations.{entry.location_name}"
    file = plain(entry, named=True)
    del file["location_name"]
    file.pop("location_id", None)
    if live is None:
        return _whole(path, file, plain(entry, named=True))
    fields = {name: getattr(live, name) for name in PlaceEntry.model_fields if name in Location._fields}
    return _merged(path, fields, live.applied, file, PLACE, absent_only=absent_only)


def merged_capabilities(
    live: Capabilities | None, applied: Json | None, file: Capabilities, *, absent_only: bool = False
) -> Merge:
    """What a file makes of what the robots can do; of None, if nothing was set yet."""
    named = _picked(plain(file), plain(file, named=True), 4)
    if live is None:
        return _whole("transfer_capabilities", named, named)
    return _merged("transfer_capabilities", plain(live), applied, named, ABILITIES, absent_only=absent_only)


def merged_template(path: str, live: Json | None, entry: Message) -> Merge:
    """What an entry makes of a representation template or a location template: what is there stays as it is."""
    file = plain(entry, named=True)
    file.pop("template_id", None)
    if live is None:
        return _whole(path, file, plain(entry, named=True))
    return _merged(path, live, None, file, Shape({}, {}), absent_only=True)


def _whole(path: str, file: Json, shown: Json) -> Merge:
    return Merge(file, _speaking(file), (Difference(path=path, live=None, file=shown, action="add", sentence=WHOLE),))


def _merged(path: str, live: Json, applied: Json | None, file: Json, shape: Shape, *, absent_only: bool) -> Merge:
    live, base, file = _speaking(live), applied or {}, _speaking(file)
    findings = compare(live, base, file, shape)
    if absent_only:
        findings = [finding._replace(action="keep", sentence=THERE) for finding in findings]
    return Merge(
        brought(live, findings),
        applied if absent_only else said(base, file, findings, shape),
        tuple(_difference(path, finding) for finding in findings),
    )


def _difference(path: str, finding: Finding) -> Difference:
    told = finding._asdict()
    return Difference(path=".".join((path, *told.pop("keys"))), **told)


def _speaking(fields: Json) -> Json:
    """Those fields that say something."""
    return {name: value for name, value in fields.items() if value not in NOTHING}


def _picked(whole: Any, named: Any, depth: int) -> Any:
    """Of the whole, what was named, so many levels deep."""
    if not depth or not isinstance(named, dict):
        return whole
    return {name: _picked(whole[name], value, depth - 1) for name, value in named.items() if value is not None}

"""Load and save of resources.

Only one statement waits for row locks, and it takes them in id order; whatever else is read afterwards is protected by
those locks, or says so. So batches of any commands never deadlock, and correctness never depends on what was guessed.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from labstow.workers.kit.journal import dumps
from labstow.workers.kit.pipeline import Ask, Rows
from labstow.workers.kit.statements import change, copy_in, save
from labstow.workers.resource import loads
from labstow.workers.resource.footprint import Footprint
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.line import Line
from labstow.workers.resource.loads import COLUMNS
from labstow.workers.resource.tables import resource
from labstow.workers.resource.thing import Thing, thing
from labstow.workers.resource.units import STANDARD, Units

TREE_LOCK: Final = 0x6C616203


class Repository:
    """What the unit of the resource worker reads and writes."""

    save = save(
        copy_in(resource, "new", COLUMNS).returning(resource.c.id).cte("inserted"),
        change(resource, "changed", COLUMNS).cte("updated"),
    )

    def __init__(self, units: Units = STANDARD) -> None:
        self._units = units

    def loads(self, footprint: Footprint) -> dict[str, Ask]:
        """The statements that load a footprint, by what they bring."""
        asks: dict[str, Ask] = {}
        if keys := _lock_keys(footprint):  # waits too, but before any row is locked
            asks["turn"] = Ask(loads.QUEUE_UP, {"keys": keys})
        if footprint.rows:
            asks["rows"] = Ask(loads.LOCK, {"ids": sorted(footprint.rows)})
        return asks | _wanted(footprint)

    def lab(self, footprint: Footprint, found: Mapping[str, Rows]) -> Lab:
        """The lab that they brought."""
        lab = Lab(tree_locked=footprint.tree, alone=footprint.alone, units=self._units)
        lab.things = dict.fromkeys(footprint.rows)
        for name in ("rows", "grabbed"):
            for row in found.get(name, ()):
                lab.things[row[0]] = thing(row)
        _read_places(lab, footprint, found)
        for key, match in found.get("matches", ()):
            lab.found.setdefault(key, []).extend([match] if match else [])
        for key, name, id_ in found.get("made", ()):
            lab.made.setdefault((key, name), []).extend([id_] if id_ else [])
        lab.past = {(id_, version): state for id_, version, state in found.get("past", ())}
        lab.templates = {(key, version): state for key, version, state in found.get("templates", ())}
        lab.removals = {asked: [] for asked in footprint.removals}
        for removal, id_ in found.get("removed", ()):
            lab.removals.setdefault(removal, []).append(id_)
            if id_ in footprint.removals:
                lab.removals[id_] = lab.removals[removal]
        return lab

    def record(self, of: Thing) -> dict[str, Any]:
        """The thing as a record of the table."""
        return of._asdict()


def _wanted(footprint: Footprint) -> dict[str, Ask]:
    """The statements to send after the locks, by what they bring."""
    wanted: dict[str, Ask] = {}
    ends = {"lines": list(footprint.ends), "counts": list(footprint.ends.values())}
    if footprint.vacated or footprint.ends or footprint.leaving:
        vacated = {"vacated": [spot[0] for spot in footprint.vacated], "at": [spot[1] for spot in footprint.vacated]}
        wanted["grabbed"] = Ask(loads.GRAB, {**vacated, **ends, "leaving": list(footprint.leaving)})
    if footprint.ends:
        wanted["ends"] = Ask(loads.ENDS, ends)
    if spots := [*(footprint.spots | footprint.vacated)]:
        places = {"containers": [spot[0] for spot in spots], "positions": [spot[1] for spot in spots]}
        wanted["occupants"] = Ask(loads.OCCUPANTS, places)
    if footprint.subtrees:
        wanted["contents"] = Ask(loads.CONTENTS, {"ids": list(footprint.subtrees)})
    if footprint.heights:
        wanted["heights"] = Ask(loads.HEIGHTS, {"ids": list(footprint.heights)})
    if footprint.lines:
        wanted["lines"] = Ask(loads.LINES, {"ids": list(footprint.lines)})
    if footprint.definitions:
        asked = [{"key": key} | fields for key, fields in footprint.definitions.items()]
        wanted["matches"] = Ask(loads.MATCHES, {"definitions": dumps(asked).decode()})
    if footprint.past:
        versions = {"ids": [one[0] for one in footprint.past], "versions": [one[1] for one in footprint.past]}
        wanted["past"] = Ask(loads.PAST, versions)
    if footprint.removals:
        wanted["removed"] = Ask(loads.REMOVED, {"ids": list(footprint.removals)})
    if footprint.templates:
        keys = {"keys": [one[0] for one in footprint.templates], "versions": [one[1] for one in footprint.templates]}
        wanted["templates"] = Ask(loads.TEMPLATES, keys)
    if footprint.made:
        names = {"keys": [one[0] for one in footprint.made], "names": [one[1] for one in footprint.made]}
        wanted["made"] = Ask(loads.MADE, names)
    return wanted


def _read_places(lab: Lab, footprint: Footprint, found: Mapping[str, Rows]) -> None:
    for container, position, occupant in found.get("occupants", ()):
        lab.spots[container, position] = occupant
    for container, front, order_seq, id_ in found.get("ends", ()):
        line = lab.lines.setdefault(container, Line(front))
        if id_ is not None:
            line.standings.insert(0, (order_seq, id_))
    for container, line in lab.lines.items():
        line.standings.sort(reverse=line.front)
        line.looked = footprint.ends[container]
        line.whole = len(line.standings) < line.looked
    lab.children = {root: [] for root in footprint.subtrees}
    for parent, position, child in found.get("contents", ()):
        lab.children.setdefault(child, [])
        lab.children.setdefault(parent, []).append(child)
        if position is not None:
            lab.spots[parent, position] = child
    for child, parent, _ in found.get("lines", ()):
        lab.parents[child] = parent
    lab.heights = dict(found.get("heights", ()))


def _lock_keys(footprint: Footprint) -> list[int]:
    """What to wait for before any row is locked, in one order for everybody."""
    keys = {
        _key(str(one["name"]), str(one["resource_class"]), str(one["base_type"]))
        for one in footprint.definitions.values()
    }
    keys |= {_key("made", *one) for one in footprint.made}
    return sorted(keys | ({TREE_LOCK} if footprint.tree else set()))


def _key(*parts: str) -> int:
    return int.from_bytes(sha256("\0".join(parts).encode()).digest()[:8], signed=True)

"""Load and save of resources.

Only one statement waits for row locks, and it takes them in id order; whatever else is read afterwards is protected by
those locks, or says so. So batches of any commands never deadlock, and correctness never depends on what was guessed.
"""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import insert, select

from labstow.workers.kit.journal import dumps
from labstow.workers.kit.pipeline import Ask, Rows, Statement
from labstow.workers.kit.statements import change, copy_in, save, written
from labstow.workers.lock.lease import Lease
from labstow.workers.lock.policy import Policies
from labstow.workers.lock.tables import lease
from labstow.workers.resource import leaving, loads
from labstow.workers.resource.footprint import Footprint
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.leaving import Leaving
from labstow.workers.resource.line import Line
from labstow.workers.resource.loads import COLUMNS, LEASE
from labstow.workers.resource.tables import resource
from labstow.workers.resource.thing import thing
from labstow.workers.resource.units import STANDARD, Units

TREE_LOCK: Final = 0x6C616203


_INSERTED: Final = copy_in(resource, "new", COLUMNS).returning(resource.c.id).cte("inserted")
_LOCKABLE: Final = insert(lease).from_select(["id"], select(_INSERTED.c.id)).cte("lockable")
"""What is new can be locked: its lease is a row that is there from the beginning."""


@cache
def _save(new: bool, changed: bool, bypassed: bool) -> Statement:
    """With no more parts than it needs: each costs time, if there is nothing to write, too."""
    parts = {
        _LOCKABLE: new,
        change(resource, "changed", COLUMNS).cte("updated"): changed,
        change(lease, "leases", LEASE).cte("bypassed"): bypassed,
    }
    return save(*(part for part, wanted in parts.items() if wanted), new=_INSERTED if new else None)


class Repository:
    """What the unit of the resource worker reads and writes."""

    def __init__(self, units: Units = STANDARD, policies: Policies | None = None, *, strict: bool = False) -> None:
        self._units, self._policies, self._strict = units, policies or {}, strict
        self._subtrees = False
        """Whether there were leases on whole subtrees the last time: then the ways up will be wanted."""

    def loads(self, footprint: Footprint) -> dict[str, Ask]:
        """The statements that load a footprint, by what they bring."""
        asks: dict[str, Ask] = {}
        if keys := lock_keys(footprint):  # waits too, but before any row is locked
            asks["turn"] = Ask(loads.QUEUE_UP, {"keys": keys})
        if footprint.rows:
            asks["rows"] = Ask(loads.LOCK, {"ids": sorted(footprint.rows)})
        if self._subtrees:
            footprint.lines |= footprint.rows
        return asks | wanted(footprint) | _leases(footprint)

    def lab(self, footprint: Footprint, found: Mapping[str, Rows]) -> Lab:
        """The lab that they brought."""
        lab = Lab(tree_locked=footprint.tree, alone=footprint.alone, units=self._units)
        lab.policies, lab.strict = self._policies, self._strict
        read(lab, footprint, found)
        lab.leases = {row[0]: Lease._make(row) for row in found["leases"]}
        self._subtrees = any(lease.scope == "subtree" and lease.held for lease in lab.leases.values())
        return lab

    def save(self, new: list[Any], changed: list[Any], notes: list[Any]) -> Ask:
        """What saves things, and the leases that somebody passed by."""
        leases = [one._asdict() for one in changed if isinstance(one, Lease)]
        things = [one._asdict() for one in changed if not isinstance(one, Lease)]
        values = written((thing._asdict() for thing in new), things)
        values |= {"leases": dumps(leases).decode(), "leases_ids": [one["id"] for one in leases]}
        return Ask(_save(bool(new), bool(things), bool(leases)), values)


def _leases(footprint: Footprint) -> dict[str, Ask]:
    """The statement that brings the leases that matter."""
    ids = {"ids": list(footprint.rows), "secrets": list(footprint.leases)}
    statement = leaving.leases(_how(footprint), presented=bool(footprint.leases))
    return {"leases": Ask(statement, ids | _leaving(footprint))}


def _how(footprint: Footprint) -> Leaving:
    return Leaving(bool(footprint.vacated), bool(footprint.ends), bool(footprint.leaving))


def _leaving(footprint: Footprint) -> dict[str, Any]:
    return {
        "vacated": [spot[0] for spot in footprint.vacated],
        "at": [spot[1] for spot in footprint.vacated],
        "lines": list(footprint.ends),
        "counts": list(footprint.ends.values()),
        "leaving": list(footprint.leaving),
    }


def wanted(footprint: Footprint) -> dict[str, Ask]:
    """The statements to send after the locks, by what they bring."""
    asks: dict[str, Ask] = {}
    if any(how := _how(footprint)):
        asks["grabbed"] = Ask(leaving.grab(how), _leaving(footprint))
    if footprint.ends:
        asks["ends"] = Ask(leaving.ENDS, _leaving(footprint))
    if spots := [*(footprint.spots | footprint.vacated)]:
        places = {"containers": [spot[0] for spot in spots], "positions": [spot[1] for spot in spots]}
        asks["occupants"] = Ask(leaving.OCCUPANTS, places)
    if footprint.subtrees:
        asks["contents"] = Ask(loads.CONTENTS, {"ids": list(footprint.subtrees)})
    if footprint.heights:
        asks["heights"] = Ask(loads.HEIGHTS, {"ids": list(footprint.heights)})
    if footprint.lines:
        asks["lines"] = Ask(loads.LINES, {"ids": list(footprint.lines)})
    if footprint.definitions:
        asked = [{"key": key} | fields for key, fields in footprint.definitions.items()]
        asks["matches"] = Ask(loads.MATCHES, {"definitions": dumps(asked).decode()})
    asks |= _past(footprint)
    if footprint.removals:
        asks["removed"] = Ask(loads.REMOVED, {"ids": list(footprint.removals)})
    if footprint.templates:
        keys = {"keys": [one[0] for one in footprint.templates], "versions": [one[1] for one in footprint.templates]}
        asks["templates"] = Ask(loads.TEMPLATES, keys)
    if footprint.made:
        names = {"keys": [one[0] for one in footprint.made], "names": [one[1] for one in footprint.made]}
        asks["made"] = Ask(loads.MADE, names)
    if footprint.attached:
        asks["attached"] = Ask(loads.ATTACHED, {"ids": list(footprint.attached)})
    return asks


def _past(footprint: Footprint) -> dict[str, Ask]:
    """The statements about how things were."""
    asks: dict[str, Ask] = {}
    if footprint.past:
        ids, versions = zip(*footprint.past, strict=True)
        asks["past"] = Ask(loads.PAST, {"ids": list(ids), "versions": list(versions)})
    if footprint.copies:
        ids, versions, marks = zip(*footprint.copies, strict=True)
        asks["copies"] = Ask(loads.COPIES, {"ids": list(ids), "versions": list(versions), "marks": list(marks)})
    return asks


def read(lab: Lab, footprint: Footprint, found: Mapping[str, Rows]) -> None:
    """Put what was found into a lab."""
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
    lab.copies = {copy: [] for copy in footprint.copies}
    for id_, version, mark, changes in found.get("copies", ()):
        lab.copies[id_, version, mark].append(changes)
    lab.templates = {(key, version): state for key, version, state in found.get("templates", ())}
    lab.attached = dict.fromkeys(footprint.attached)
    lab.attached.update(found.get("attached", ()))
    lab.removals = {asked: [] for asked in footprint.removals}
    for removal, id_ in found.get("removed", ()):
        lab.removals.setdefault(removal, []).append(id_)
        if id_ in footprint.removals:
            lab.removals[id_] = lab.removals[removal]


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


def lock_keys(footprint: Footprint) -> list[int]:
    """What to wait for before any row is locked, in one order for everybody."""
    keys = {
        _key(str(one["name"]), str(one["resource_class"]), str(one["base_type"]))
        for one in footprint.definitions.values()
    }
    keys |= {_key("made", *one) for one in footprint.made}
    return sorted(keys | ({TREE_LOCK} if footprint.tree else set()))


def _key(*parts: str) -> int:
    return int.from_bytes(sha256("\0".join(parts).encode()).digest()[:8], signed=True)

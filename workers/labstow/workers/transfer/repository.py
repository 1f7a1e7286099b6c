"""Load and save of places and transfers, with the things and leases that they change."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import insert, literal_column, select, update

from labstow.workers.kit.journal import dumps
from labstow.workers.kit.pipeline import Ask, Rows, Statement
from labstow.workers.kit.statements import change, copy_in, records, save
from labstow.workers.lock import repository as locks
from labstow.workers.lock.lease import Lease
from labstow.workers.lock.policy import Policies
from labstow.workers.lock.tables import lease
from labstow.workers.resource import repository as resources
from labstow.workers.resource.loads import COLUMNS, LEASE, QUEUE_UP
from labstow.workers.resource.tables import resource
from labstow.workers.resource.thing import Thing
from labstow.workers.resource.units import STANDARD, Units
from labstow.workers.transfer import loads
from labstow.workers.transfer.lab import Footprint, Lab
from labstow.workers.transfer.location import Location
from labstow.workers.transfer.pattern import Pattern
from labstow.workers.transfer.setting import Setting
from labstow.workers.transfer.tables import lab_version, location, pattern, setting, transfer
from labstow.workers.transfer.transfer import Transfer

BEGIN_LOCK: Final = 0x6C616205
NAMES_LOCK: Final = 0x6C616206
"""Whoever takes a name has it beside others, and waits for those who take the same name; whoever sets what robots can
do, or applies a lab file, has it alone: no name is taken meanwhile.
"""
OWN: Final[dict[type, Any]] = {
    Location: (location, loads.LOCATION),
    Pattern: (pattern, loads.PATTERN),
    Setting: (setting, loads.SETTING),
    Transfer: (transfer, loads.TRANSFER),
}
GRAPH: Final = (Location, Setting)
"""What the transfer graph is made of."""

_inserted = copy_in(resource, "new", COLUMNS).returning(resource.c.id).cte("inserted")
_lockable = insert(lease).from_select(["id"], select(_inserted.c.id)).cte("lockable")


class Repository(locks.Repository):
    """What the unit of the transfer worker reads and writes."""

    def __init__(self, policies: Policies, units: Units = STANDARD, *, strict: bool = False) -> None:
        super().__init__(policies)
        self._units, self._strict = units, strict
        self.there: frozenset[str] | None = None
        """Nodes that say they are there, as last heard; None if that is not known."""

    def loads(self, footprint: Footprint) -> dict[str, Ask]:  # type: ignore[override]
        """The statements that load a footprint, by what they bring."""
        asks = _turns(footprint)
        if footprint.rows or footprint.leases or footprint.templates or footprint.made or footprint.limits:
            asks |= super().loads(footprint)
        if footprint.everything:
            asks["locations"] = Ask(loads.ALL_PLACES, {"keys": sorted(footprint.places)})
        elif places := footprint.places | footprint.names | footprint.occupied:
            named = {"keys": sorted(places - footprint.occupied), "occupied": sorted(footprint.occupied)}
            asks["locations"] = Ask(loads.PLACES, named)
        if footprint.patterns or footprint.pattern_ids:
            named = {"names": sorted({name for _, name in footprint.patterns}), "ids": sorted(footprint.pattern_ids)}
            asks["patterns"] = Ask(loads.PATTERNS, named)
        if footprint.transfers:
            asks["transfers"] = Ask(loads.TRANSFERS, {"ids": sorted(footprint.transfers)})
        if footprint.setting or footprint.settings:
            asks["setting"] = Ask(loads.WHAT_IS_SET)
            asks["version"] = Ask(loads.VERSION_LOCKED if footprint.settings else loads.VERSION)
        if footprint.under_way or footprint.begins:
            asks["under_way"] = Ask(loads.UNDER_WAY)
        return asks

    def lab(self, footprint: Footprint, found: Mapping[str, Rows]) -> Lab:  # type: ignore[override]
        """The lab that they brought."""
        lab = Lab(policies=self._policies, secrets=set(footprint.leases), seen=footprint, units=self._units)
        self.fill(lab, footprint, found)
        for each in lab.things.keys() - footprint.rows - lab.leases.keys():
            del lab.things[each]  # a lease led to it, and had it no more when it was locked: what binds it is not known
        lab.tree_locked, lab.alone, lab.there = footprint.tree, footprint.alone, self.there
        lab.strict = self._strict
        for row in found.get("locations", ()):
            lab.locations[row[0]] = known = Location._make(row)
            if known.removed_at is None:
                lab.named[known.name] = known.id
        lab.seen.places |= footprint.names
        for pattern_ in map(Pattern._make, found.get("patterns", ())):
            lab.pattern_ids.add(pattern_.id)
            if pattern_.removed_at is None:
                lab.patterns[pattern_.kind, pattern_.name] = pattern_
        lab.setting = next(map(Setting._make, found.get("setting", ())), None)
        lab.lab_version = found["version"][0][0] if "version" in found else 0
        for name in ("under_way", "transfers"):  # in this order: those that are locked are true
            lab.transfers |= {row[0]: Transfer._make(row) for row in found.get(name, ())}
        return lab

    def save(self, new: list[Any], changed: list[Any], notes: list[Any]) -> Ask:
        """What saves what is new and what changed, of each its last state."""
        changed = [*changed, *(note for note in notes if isinstance(note, GRAPH) and not _among(note, changed))]
        leases = {one.id: one for one in changed if isinstance(one, Lease)}
        for note in notes:
            if isinstance(note, Lease) and (note.id not in leases or leases[note.id].version <= note.version):
                leases[note.id] = note
        things = [one for one in changed if isinstance(one, Thing)]
        made = [one for one in new if isinstance(one, Thing)]
        values: dict[str, Any] = {
            "new": _written(made),
            "changed": _written(things),
            "changed_ids": [one.id for one in things],
            "leases": _written([*leases.values()]),
            "leases_ids": list(leases),
        }
        parts = [f"{name}" for name, some in (("made", made), ("things", things), ("leases", leases)) if some]
        for kind in OWN:
            for group, how in ((new, "new"), (changed, "changed")):
                some: list[Any] = [one for one in group if isinstance(one, kind)]
                if some:
                    name = f"{how}_{kind.__name__.lower()}"
                    parts.append(name)
                    values |= {name: _written(some), f"{name}_ids": [one.id for one in some]}
        if any(isinstance(one, GRAPH) for one in (*new, *changed)):
            parts.append("moved")
        return Ask(_save(tuple(parts)), values)


@cache
def _save(parts: tuple[str, ...]) -> Statement:
    """With no more parts than it needs. Whatever is new comes first, and the version of the lab last."""
    ctes = {
        "things": change(resource, "changed", COLUMNS).cte("updated"),
        "leases": change(lease, "leases", LEASE).cte("leased"),
        "moved": update(lab_version).values(version=lab_version.c.version + literal_column("1")).cte("moved"),
    }
    for kind, (table, columns) in OWN.items():
        name = kind.__name__.lower()
        ctes[f"new_{name}"] = _copy_in(table, f"new_{name}", columns)
        ctes[f"changed_{name}"] = change(table, f"changed_{name}", columns).cte(f"updated_{name}")
    own = [ctes[part] for part in parts if part != "made"]
    if "made" not in parts:
        return save(*own)
    return save(_lockable, *own, new=_inserted)


def _turns(footprint: Footprint) -> dict[str, Ask]:
    """What to wait for before any row is locked."""
    keys, asks = set(resources.lock_keys(footprint)), dict[str, Ask]()
    if footprint.settings:
        asks["alone"] = Ask(QUEUE_UP, {"keys": [NAMES_LOCK]})
    elif footprint.names:
        asks["beside"] = Ask(loads.BESIDE, {"key": NAMES_LOCK})
        keys |= {_key("name", name) for name in footprint.names}
    keys |= {BEGIN_LOCK} if footprint.begins else set()
    return asks | ({"turn": Ask(QUEUE_UP, {"keys": sorted(keys)})} if keys else {})


def _among(note: Any, changed: list[Any]) -> bool:
    """Whether something that was noted changed as well: then that is what counts."""
    return any(type(one) is type(note) and one.id == note.id for one in changed)


def _copy_in(table: Any, name: str, columns: Any) -> Any:
    given = records(name, columns)
    return insert(table).from_select([c.name for c in columns], select(*given.c)).cte(f"inserted_{table.name}")


def _written(of: list[Any]) -> str:
    return dumps([one._asdict() for one in of]).decode()


def _key(*parts: str) -> int:
    return int.from_bytes(sha256("\0".join(parts).encode()).digest()[:8], signed=True)

"""Where there is room."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import filterfalse, islice, product
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, case, cast, func, literal_column, select
from sqlalchemy.sql import any_
from sqlalchemy.sql.elements import BindParameter

from labstow.contracts.base_types import CONTAINERS, SHAPED, BaseType, matching
from labstow.contracts.errors import NotAContainer, NotFound, Removed
from labstow.contracts.positions import Geometry, write
from labstow.contracts.queries import FindFree
from labstow.workers.kit.journal import dumps, stamp
from labstow.workers.kit.pipeline import Pipeline, Statement
from labstow.workers.kit.reader import fetch, snapshot
from labstow.workers.kit.statements import texts
from labstow.workers.resource.reading.walks import ONE, among, holders
from labstow.workers.resource.tables import holding, resource

NAMED: Final = Statement.of(
    select(resource.c.id, resource.c.name, resource.c.base_type, resource.c.removed_at).where(
        resource.c.id == any_(texts("ids"))
    )
)


async def find_free(db: Pipeline, query: FindFree) -> bytes:
    """The answer to a query.

    Raises:
        NotFound, Removed, NotAContainer: what was named cannot have room.
    """
    asked = {"container_id": query.container_id, "within_id": query.within_id, "resource_class": query.resource_class}
    values: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    if query.base_type is not None:
        values["base_types"] = sorted(matching(query.base_type))
    statement = _with_room(frozenset(values), together=query.together)
    named = [one for one in (query.container_id, query.within_id) if one is not None]
    async with snapshot(db):
        known = {row[0]: row[1:] for row in await fetch(db, NAMED, {"ids": named})} if named else {}
        for one in named:
            _refuse(one, known.get(one))
        rows = await fetch(db, statement, values | {"count": query.count}, prepare=False)
    spaces: list[dict[str, Any]] = []
    left = query.count
    for id_, name, room, taken, base_type, *shape in rows:
        geometry = Geometry(BaseType(base_type), *shape)
        free = None if room is None else int(room)
        here = left if free is None else min(left, free)
        positions = islice(filterfalse(set(taken or ()).__contains__, _positions(geometry)), here)
        about = {"container_id": id_, "name": name, "base_type": base_type}
        spaces.append(about | {"free": free, "positions": list(positions)})
        left -= here
        if not left:
            break
    return dumps({"spaces": spaces, "enough": not left})


def _refuse(id_: str, row: tuple[Any, ...] | None) -> None:
    if row is None:
        raise NotFound(resource_id=id_)
    name, base_type, removed_at = row
    if removed_at is not None:
        raise Removed(resource_id=id_, removed_at=stamp(removed_at))
    if base_type not in CONTAINERS:
        raise NotAContainer(resource_id=id_, name=name, base_type=base_type)


def _positions(at: Geometry) -> Iterator[str]:
    """All positions of a container that has a fixed set of them, row by row."""
    if at.base_type is BaseType.SLOT:
        return iter(("0",))
    if at.base_type not in SHAPED:
        return iter(())
    sizes = [range(getattr(at, name)) for name in SHAPED[at.base_type]]
    return (write(at, indices) for indices in product(*sizes))


def _taken() -> ColumnElement[Any]:
    """The positions of a plate, row or voxel grid that somebody has."""
    child = resource.alias("child")
    theirs = select(child.c.position).where(child.c.parent_id == resource.c.id, child.c.position.is_not(None))
    return case((resource.c.columns.is_not(None), func.array(theirs.scalar_subquery())))


@lru_cache
def _with_room(names: frozenset[str], *, together: bool) -> Statement:
    """Containers with room, in the order of ids, as many as can be needed: each has room for one at least."""
    of = resource.c
    size = case((of.columns.is_not(None), func.coalesce(of.rows, ONE) * of.columns * func.coalesce(of.layers, ONE)))
    free = func.least(size, of.capacity) - of.quantity
    within_id: BindParameter[str] = bindparam("within_id")
    inner = holders(select(cast(within_id, Text).collate("C").label("id")))
    conditions = {
        "container_id": of.id == bindparam("container_id"),
        "within_id": among(inner) & (of.id != within_id),
        "resource_class": of.resource_class == bindparam("resource_class"),
        "base_types": of.base_type == any_(texts("base_types")),
    }
    count = bindparam("count", type_=BigInteger)
    candidates = (
        select(of.id, of.name, free, _taken(), of.base_type, of.rows, of.columns, of.layers, of.one_indexed)
        .where(
            holding(of.base_type),
            of.base_type != literal_column("'pool'", Text),
            of.removed_at.is_(None),
            free.is_(None) | (free >= (count if together else ONE)),
            *(condition for name, condition in conditions.items() if name in names),
        )
        .order_by(of.id)
    )
    return Statement.of(candidates.limit(ONE if together else count))

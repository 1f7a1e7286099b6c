"""The statements about what is where, what is to leave it, and which leases bind that.

They are read under the locks of the containers, or taken if nobody else has them.
"""

from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Integer, Select, bindparam, func, literal_column, select, true, union_all
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import any_
from sqlalchemy.sql.elements import ColumnElement

from labstow.workers.kit.pipeline import Statement
from labstow.workers.kit.statements import texts
from labstow.workers.lock.tables import lease
from labstow.workers.resource.loads import COLUMNS, LEASE, ONE
from labstow.workers.resource.tables import resource


def _occupants(containers: str, positions: str, *, outer: bool) -> Select[Any]:
    """Who is at some positions; with `outer` also where nobody is."""
    spot = func.unnest(texts(containers), texts(positions))
    spots = spot.table_valued("container", "position").render_derived(containers)
    there = (
        select(resource.c.id)
        .where(resource.c.parent_id == spots.c.container, resource.c.position == spots.c.position)
        .limit(ONE)
        .correlate(spots)
        .lateral(f"{containers}_there")
    )
    joined = spots.outerjoin(there, true()) if outer else spots.join(there, true())
    shown = (spots.c.container, spots.c.position, there.c.id) if outer else (there.c.id,)
    return select(*shown).select_from(joined)


def _next(*, front: bool) -> Select[Any]:
    """Container, place and id of what is taken next from some containers: from queues, or from the others."""
    name = "front" if front else "back"
    wanted = func.unnest(texts("lines"), bindparam("counts", type_=ARRAY(Integer)))
    line = wanted.table_valued("container", "count").render_derived(f"{name}_line")
    of = resource.alias(f"{name}_of")
    is_queue = of.c.base_type == literal_column("'queue'")
    kind = (
        select(of.c.id)
        .where(of.c.id == line.c.container, is_queue if front else ~is_queue)
        .limit(ONE)
        .correlate(line)
        .lateral(f"{name}_kind")
    )
    taken = (
        select(resource.c.order_seq, resource.c.id)
        .where(resource.c.parent_id == kind.c.id, resource.c.order_seq.is_not(None))
        .order_by(resource.c.order_seq.asc() if front else resource.c.order_seq.desc())
        .limit(line.c.count)
        .correlate(line, kind)
        .lateral(f"{name}_taken")
    )
    side: ColumnElement[Any] = literal_column(str(front).lower()).label("front")
    columns = (line.c.container, side, taken.c.order_seq, taken.c.id)
    return select(*columns).select_from(line.join(kind, true()).outerjoin(taken, true()))


class Leaving(NamedTuple):
    """Whether something is to leave positions, ends of lines, or whatever it is in; and so that may be left."""

    vacated: bool = False
    ends: bool = False
    leaving: bool = False

    def ids(self) -> ColumnElement[Any]:
        """The ids of what is to leave, and of what is to be left; with no more parts than there are: each costs."""
        ends = union_all(_next(front=True), _next(front=False)).subquery("ends")
        left = select(resource.c.parent_id.label("id")).where(resource.c.id == any_(texts("leaving")))
        parts = {
            _occupants("vacated", "at", outer=False): self.vacated,
            select(ends.c.id): self.ends,
            left: self.leaving,
        }
        found = union_all(*(part for part, wanted in parts.items() if wanted)).subquery("found")
        return func.array(select(found.c[0]).where(found.c[0].is_not(None)).scalar_subquery())


@cache
def grab(leaving: Leaving) -> Statement:
    """What is to leave, and what is to be left, unless somebody else holds it: to wait here could be a deadlock."""
    wanted = select(*COLUMNS).where(resource.c.id == any_(leaving.ids())).order_by(resource.c.id)
    return Statement.of(wanted.with_for_update(key_share=True, skip_locked=True))


@cache
def leases(leaving: Leaving, *, presented: bool) -> Statement:
    """The leases that bind some things, that may be over without anybody having noted it; and what is presented.

    Read after the rows of the things were locked: who grants, breaks or ends a lease locks those as well.
    """
    held = lease.c.lease.is_not(None) & lease.c.ended.is_(None)
    parts = [
        select(*LEASE).where(held, lease.c.id == any_(texts("ids"))),
        select(*LEASE).where(held, lease.c.scope == literal_column("'subtree'")),
    ]
    if any(leaving):
        parts.append(select(*LEASE).where(held, lease.c.id == any_(leaving.ids())))
    if presented:
        parts.append(select(*LEASE).where(lease.c.lease == any_(texts("secrets"))))
    return Statement.of(union_all(*parts))


OCCUPANTS: Final = Statement.of(_occupants("containers", "positions", outer=True))
ENDS: Final = Statement.of(union_all(_next(front=True), _next(front=False)))

"""The statements that load what the rules of places and transfers need. Locations and transfers are locked after the
rows of resources, each in id order; whoever takes a name, sets what robots can do, or begins a transfer waits before
all that.
"""

from typing import Final

from sqlalchemy import BigInteger, bindparam, func, literal_column, select
from sqlalchemy.sql import any_

from labstow.workers.kit.pipeline import Statement
from labstow.workers.kit.statements import texts
from labstow.workers.transfer.location import Location
from labstow.workers.transfer.pattern import Pattern
from labstow.workers.transfer.setting import Setting
from labstow.workers.transfer.tables import lab_version, location, pattern, setting, transfer
from labstow.workers.transfer.transfer import Transfer

LOCATION: Final = tuple(location.c[name] for name in Location._fields)
PATTERN: Final = tuple(pattern.c[name] for name in Pattern._fields)
SETTING: Final = tuple(setting.c[name] for name in Setting._fields)
TRANSFER: Final = tuple(transfer.c[name] for name in Transfer._fields)

_live = location.c.removed_at.is_(None)
_open = transfer.c.state == literal_column("'begun'")

BESIDE: Final = Statement.of(select(func.pg_advisory_xact_lock_shared(bindparam("key", type_=BigInteger))))
PLACES: Final = Statement.of(
    select(*LOCATION)
    .where(
        (location.c.id == any_(texts("keys")))
        | (_live & (location.c.name == any_(texts("keys"))))
        | (location.c.resource_id == any_(texts("occupied")))
    )
    .order_by(location.c.id)
    .with_for_update(key_share=True)
)
ALL_PLACES: Final = Statement.of(
    select(*LOCATION)
    .where(_live | (location.c.id == any_(texts("keys"))))
    .order_by(location.c.id)
    .with_for_update(key_share=True)
)
PATTERNS: Final = Statement.of(
    select(*PATTERN).where(
        (pattern.c.removed_at.is_(None) & (pattern.c.name == any_(texts("names"))))
        | (pattern.c.id == any_(texts("ids")))
    )
)
WHAT_IS_SET: Final = Statement.of(select(*SETTING))
TRANSFERS: Final = Statement.of(
    select(*TRANSFER).where(transfer.c.id == any_(texts("ids"))).order_by(transfer.c.id).with_for_update()
)
UNDER_WAY: Final = Statement.of(select(*TRANSFER).where(_open))
VERSION: Final = Statement.of(select(lab_version.c.version))
VERSION_LOCKED: Final = Statement.of(select(lab_version.c.version).with_for_update())
"""Comes after all locations are locked: whoever raises it holds some of those."""

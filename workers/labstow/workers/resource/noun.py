"""The resource noun as the kit needs it."""

from typing import Any, Final

from labstow.workers.kit.noun import Kind, Noun
from labstow.workers.lock.lease import KIND as LOCK
from labstow.workers.lock.lease import Lease
from labstow.workers.resource.footprint import Footprint, needs
from labstow.workers.resource.rules import RULES
from labstow.workers.resource.thing import Thing, seal, state

RESOURCE: Final[Noun[Any]] = Noun(
    kinds={Thing: Kind("resource", state, seal), Lease: LOCK},
    rules=RULES,
    footprint=Footprint,
    needs=needs,
)

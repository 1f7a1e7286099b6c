"""The resource noun as the kit needs it."""

from typing import Final

from labstow.workers.kit.noun import Noun
from labstow.workers.resource.footprint import Footprint, needs
from labstow.workers.resource.rules import RULES
from labstow.workers.resource.thing import Thing, seal, state

RESOURCE: Final[Noun[Thing]] = Noun(
    name="resource",
    entity=Thing,
    rules=RULES,
    footprint=Footprint,
    needs=needs,
    state=state,
    seal=seal,
)

"""The resource noun as the kit needs it."""

from typing import Final

from labstow.contracts.resource import Add, Init, Remove, Replace, Update, Upsert
from labstow.workers.kit.noun import Noun
from labstow.workers.resource import rules
from labstow.workers.resource.repository import needs
from labstow.workers.resource.thing import Thing, seal, state

RESOURCE: Final[Noun[Thing]] = Noun(
    name="resource",
    rules={
        Add: rules.add,
        Init: rules.init,
        Upsert: rules.upsert,
        Update: rules.update,
        Replace: rules.replace,
        Remove: rules.remove,
    },
    needs=needs,
    state=state,
    seal=seal,
)

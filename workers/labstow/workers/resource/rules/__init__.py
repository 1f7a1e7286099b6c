"""What each command of the resource noun decides. Pure: values in, outcome or refusal out."""

from typing import Any, Final

from labstow.contracts.batch import Batch
from labstow.contracts.message import Command
from labstow.contracts.placing import Empty, Move, Place, Pop, Push, Swap, Take
from labstow.contracts.quantities import (
    ChangeQuantity,
    ClearCapacity,
    DecreaseQuantity,
    Fill,
    IncreaseQuantity,
    SetCapacity,
    SetQuantity,
)
from labstow.contracts.resource import Add, Init, Remove, Replace, Restore, Update, Upsert
from labstow.contracts.template import Instantiate
from labstow.workers.kit.noun import Rule
from labstow.workers.resource.guard import guarded
from labstow.workers.resource.rules import amounts, batching, containers, life, restoring, templates
from labstow.workers.resource.thing import Thing

FREE: Final[dict[type[Command[Any]], Rule[Thing]]] = {
    Add: life.add,
    Init: life.init,
    Upsert: life.upsert,
    Update: life.update,
    Replace: life.replace,
    Remove: life.remove,
    Restore: restoring.restore,
    Place: containers.place_at,
    Take: containers.take,
    Push: containers.push,
    Pop: containers.pop,
    Move: containers.move,
    Swap: containers.swap,
    Empty: containers.empty,
    SetQuantity: amounts.set_quantity,
    ChangeQuantity: amounts.change_quantity,
    IncreaseQuantity: amounts.increase_quantity,
    DecreaseQuantity: amounts.decrease_quantity,
    Fill: amounts.fill,
    SetCapacity: amounts.set_capacity,
    ClearCapacity: amounts.clear_capacity,
    Instantiate: templates.instantiate,
}
FREE[Batch] = batching.batch(FREE)
"""As if nobody held anything."""

RULES: Final[dict[type[Command[Any]], Rule[Any]]] = {command: guarded(rule) for command, rule in FREE.items()}

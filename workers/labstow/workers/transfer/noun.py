"""The nouns of places and transfers as the kit needs them."""

from typing import Any, Final

from labstow.contracts.lab_file import ApplyLab
from labstow.contracts.location import (
    AddLocation,
    Attach,
    Detach,
    InitLocation,
    RemoveLocation,
    Represent,
    Unrepresent,
    UpdateLocation,
)
from labstow.contracts.message import Command
from labstow.contracts.pattern import (
    AddFromTemplate,
    CreateLocationTemplate,
    CreateRepresentationTemplate,
    RemoveLocationTemplate,
    RemoveRepresentationTemplate,
)
from labstow.contracts.transfer import AbortTransfer, BeginTransfer, CheckTransfer, CompleteTransfer, Configure
from labstow.workers.kit.noun import Kind, Noun, Rule
from labstow.workers.lock.lease import KIND as LOCK
from labstow.workers.lock.lease import Lease
from labstow.workers.resource import thing
from labstow.workers.resource.thing import Thing
from labstow.workers.transfer import location, pattern, setting, transfer
from labstow.workers.transfer.lab import Footprint
from labstow.workers.transfer.location import Location
from labstow.workers.transfer.needs import needs
from labstow.workers.transfer.pattern import Pattern
from labstow.workers.transfer.resolve import NoteOverdue, Resolve
from labstow.workers.transfer.rules import (
    attaching,
    awaiting,
    checking,
    configuring,
    laying,
    locations,
    moving,
    patterns,
)
from labstow.workers.transfer.setting import Setting
from labstow.workers.transfer.transfer import Transfer

RULES: Final[dict[type[Command[Any]], Rule[Any]]] = {
    AddLocation: locations.add,
    InitLocation: locations.init,
    UpdateLocation: locations.update,
    RemoveLocation: locations.remove,
    Represent: locations.represent,
    Unrepresent: locations.unrepresent,
    Attach: attaching.attach,
    Detach: attaching.detach,
    Resolve: awaiting.resolve,
    CreateRepresentationTemplate: patterns.create_representation_template,
    RemoveRepresentationTemplate: patterns.remove_representation_template,
    CreateLocationTemplate: patterns.create_location_template,
    RemoveLocationTemplate: patterns.remove_location_template,
    AddFromTemplate: patterns.from_pattern,
    Configure: configuring.configure,
    CheckTransfer: checking.check,
    BeginTransfer: moving.begin,
    CompleteTransfer: moving.complete,
    AbortTransfer: moving.abort,
    NoteOverdue: moving.note_overdue,
    ApplyLab: laying.apply,
}


TRANSFER: Final[Noun[Any]] = Noun(
    kinds={
        Location: location.KIND,
        Pattern: pattern.KIND,
        Setting: setting.KIND,
        Transfer: transfer.KIND,
        Thing: Kind("resource", thing.state, thing.seal),
        Lease: LOCK,
    },
    rules=RULES,
    footprint=Footprint,
    needs=needs,
)

"""What the rules of places and transfers look at, as far as it can be told before anything is loaded."""

from typing import Any

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
from labstow.workers.transfer.lab import Footprint
from labstow.workers.transfer.resolve import NoteOverdue, Resolve
from labstow.workers.transfer.transfer import gripper_of


def needs(command: Command[Any], footprint: Footprint) -> None:  # noqa: PLR0912, PLR0915  (one case a command)
    """Note what a command is known to look at."""
    match command:
        case AddLocation(location=new) | InitLocation(location=new):
            footprint.names.add(new.name)
            footprint.places |= {new.location_id} if new.location_id is not None else set()
            footprint.setting = True
            if new.resource_id is not None:
                _attaches(footprint, new.resource_id)
            elif new.resource_template_name is not None:
                footprint.templates.add((new.resource_template_name.casefold(), None))
                footprint.under_way = True
        case UpdateLocation(location=key, changes=changes):
            footprint.places.add(key)
            footprint.names |= {changes.name} if changes.name is not None else set()
            footprint.setting |= changes.name is not None
        case RemoveLocation(location=key):
            footprint.places.add(key)
            footprint.setting = footprint.under_way = True
        case Attach(location=key, resource_id=resource_id):
            footprint.places.add(key)
            _attaches(footprint, resource_id)
        case Represent(location=key) | Unrepresent(location=key):
            footprint.places.add(key)
        case Detach(location=key):
            footprint.places.add(key)
            footprint.setting = footprint.under_way = True
        case AddFromTemplate(name=name, template=template):
            footprint.names.add(name)
            footprint.patterns.add(("location_template", template))
            footprint.setting = footprint.under_way = True
        case CreateRepresentationTemplate(template=new):
            footprint.pattern_ids |= {new.template_id} if new.template_id is not None else set()
            footprint.names.add(new.name)
            footprint.patterns.add(("representation_template", new.name))
        case CreateLocationTemplate(template=new):
            footprint.pattern_ids |= {new.template_id} if new.template_id is not None else set()
            footprint.names.add(new.name)
            footprint.patterns.add(("location_template", new.name))
        case RemoveRepresentationTemplate(name=name):
            footprint.names.add(name)
            footprint.patterns.add(("representation_template", name))
        case RemoveLocationTemplate(name=name):
            footprint.names.add(name)
            footprint.patterns.add(("location_template", name))
        case Configure(capabilities=capabilities):
            footprint.settings = True
            footprint.under_way |= bool(capabilities.linked)
        case ApplyLab(places=places):
            footprint.settings = footprint.everything = footprint.alone = footprint.under_way = True
            footprint.names.update(one.location_name for one in places.locations)
            footprint.places.update(one.location_id for one in places.locations if one.location_id is not None)
            footprint.pattern_ids.update(one.template_id for one in places.representation_templates if one.template_id)
            footprint.pattern_ids.update(one.template_id for one in places.location_templates if one.template_id)
            footprint.patterns.update(("representation_template", one.name) for one in places.representation_templates)
            footprint.patterns.update(("location_template", one.name) for one in places.location_templates)
            footprint.names.update(name for _, name in footprint.patterns)
            of = {one.resource_template_name for one in places.locations} - {None}
            footprint.templates.update((str(each).casefold(), None) for each in of)
        case CheckTransfer(errand=errand) | BeginTransfer(errand=errand):
            footprint.rows |= {errand.resource_id, gripper_of(errand.node)}
            footprint.rows |= {errand.container_id} if errand.container_id is not None else set()
            footprint.places |= {errand.target} if errand.target is not None else set()
            footprint.under_way = footprint.setting = True
            footprint.lines.add(errand.resource_id)
            footprint.limits = True
            footprint.begins |= isinstance(command, BeginTransfer)
        case CompleteTransfer(transfer_id=transfer_id) | AbortTransfer(transfer_id=transfer_id):
            footprint.transfers.add(transfer_id)
        case Resolve(location_ids=ids):
            footprint.places.update(ids)
            footprint.setting = footprint.under_way = True
        case NoteOverdue(transfer_ids=ids):
            footprint.transfers.update(ids)


def _attaches(footprint: Footprint, resource_id: str) -> None:
    footprint.rows.add(resource_id)
    footprint.occupied.add(resource_id)
    footprint.lines.add(resource_id)
    footprint.setting = footprint.under_way = True

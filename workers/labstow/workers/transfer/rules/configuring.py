"""What the robots can do, set as a whole."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from labstow.contracts.errors import StaleVersion
from labstow.contracts.transfer import Configure
from labstow.workers.kit.journal import same
from labstow.workers.kit.noun import By, Change, Outcome, Wanted
from labstow.workers.transfer.lab import Footprint, Lab
from labstow.workers.transfer.rules.linking import refuse_crowded
from labstow.workers.transfer.setting import SETTING_ID, Setting


def configure(lab: Lab, command: Configure, now: datetime, by: By) -> Outcome[Any]:
    """Other capabilities.

    Raises:
        OtherAttached: by what is linked now, two things would be at one place.
    """
    version = lab.setting.version if lab.setting is not None else 0
    if command.expected_version is not None and command.expected_version != version:
        raise StaleVersion(version=version, expected=command.expected_version, name="transfer capabilities")
    before = lab.capabilities().linked
    setting, changes = with_capabilities(lab, command.capabilities.model_dump(mode="json"), now)
    if command.capabilities.linked != before:
        refuse_crowded(replace(lab, setting=setting), "detach one of them first")
    return Outcome(setting, changes)


def with_capabilities(
    lab: Lab, capabilities: dict[str, Any], now: datetime, **fields: Any
) -> tuple[Setting, tuple[Change[Any], ...]]:
    """The setting with other capabilities, and the change that makes it so; none, if they are so already."""
    if not (lab.seen.settings or lab.complete):
        raise Wanted(Footprint(settings=True))
    known = lab.setting
    if known is None:
        known = Setting(SETTING_ID, {}, None, now, 0, "")
    fields = {"capabilities": capabilities, **fields}
    if all(same({"": getattr(known, name)}, {"": value}) for name, value in fields.items()):
        return known, ()
    new = known._replace(version=known.version + 1, updated_at=now, **fields)
    return new, (Change(new, "configured"),)

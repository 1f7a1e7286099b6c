"""Bringing back what was removed."""

from datetime import datetime
from typing import Any

from labstow.contracts.errors import NotRemoved, Refusal, TooMany
from labstow.contracts.resource import Restore
from labstow.workers.kit.noun import By, Outcome, Wanted
from labstow.workers.resource.draft import Draft
from labstow.workers.resource.footprint import Footprint
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.nesting import MAX_CONTENTS, levels_of, refuse_cycle, refuse_depth
from labstow.workers.resource.placing import put
from labstow.workers.resource.thing import Thing


def restore(lab: Lab, command: Restore, now: datetime, by: By) -> Outcome[Thing]:
    """Everything that one removal took, where it was."""
    asked = command.resource_id or str(command.removal_id)
    things = removed(lab, asked)
    (root,) = (thing for thing in things if thing.parent_id is None)
    draft = Draft(lab, now)
    for thing in things:
        draft.change(thing.id, "restored", removed_at=None, removal_id=None)
    draft.change(root.id, "restored", position=None, order_seq=None, removed_from=None)
    refused = _put_back(lab, draft, root, things)
    shown = {"resource": root, "restored": len(things), "refused": refused}
    return draft.outcome(shown, group_id=root.removal_id, reason=command.reason)


def removed(lab: Lab, asked: str) -> list[Thing]:
    """What one removal took; it is named by its id or by that of anything it took.

    Raises:
        NotRemoved: there is no such removal, or it was undone.
        TooMany: for one transaction.
    """
    ids = lab.removal(asked)
    if len(ids) > MAX_CONTENTS:
        raise TooMany(count=f"more than {MAX_CONTENTS}", limit=MAX_CONTENTS, instead="this removal cannot be undone")
    if not lab.complete and (missing := set(ids) - lab.things.keys()):
        raise Wanted(Footprint(rows=missing))
    found = [thing for each in ids if (thing := lab.find(each)) is not None and thing.removed_at is not None]
    if not found:
        raise NotRemoved(resource_id=asked)
    return found


def _put_back(lab: Lab, draft: Draft, root: Thing, things: list[Thing]) -> dict[str, Any] | None:
    """Put a thing where it was; if that cannot be it stays nowhere, and this says why."""
    if root.removed_from is None:
        return None
    try:
        container = lab.thing(root.removed_from)
        if root.is_container:
            refuse_cycle(lab, root, container)
            refuse_depth(lab, container, levels_of(root, things))
        put(draft, draft.thing(root.id), container.id, root.position, standing=root.order_seq)
    except Refusal as refusal:
        return refusal.problem()
    return None

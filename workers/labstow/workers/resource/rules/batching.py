"""Many commands as one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from labstow.contracts.batch import Batch
from labstow.contracts.errors import Refusal, TooMany
from labstow.contracts.message import Command
from labstow.contracts.ulids import new_ulid
from labstow.workers.kit.noun import By, Change, Outcome, Rule, Wanted
from labstow.workers.resource.footprint import Footprint
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.nesting import MAX_CONTENTS
from labstow.workers.resource.thing import Thing


def batch(rules: Mapping[type[Command[Any]], Rule[Thing]]) -> Rule[Thing]:
    """The rule of batches of commands that have these rules."""

    def decide(lab: Lab, command: Batch, now: datetime, by: By) -> Outcome[Thing]:
        """Each command on what those before it did; all of them or none."""
        branch, wanted = lab.branch(), Footprint()
        changes: list[Change[Thing]] = []
        answers: list[Any] = []
        for number, step in enumerate(command.steps):
            try:
                outcome = rules[type(step.command)](branch, step.command, now, by)
            except Wanted as more:  # go on, to want all at once what the rest wants
                wanted.add(more.footprint)
            except Refusal as refusal:
                if wanted == Footprint():
                    raise told(refusal, number, step.verb) from None
            else:
                branch.apply(outcome)
                changes += outcome.changes
                answers.append(outcome.shown)
        if wanted != Footprint():
            raise Wanted(wanted)
        if len(changes) > MAX_CONTENTS:
            raise TooMany(count=len(changes), limit=MAX_CONTENTS, instead="send it in parts")
        reasoned = (change._replace(reason=change.reason or command.reason) for change in changes)
        return Outcome({"answers": answers}, tuple(reasoned), group_id=new_ulid())

    return decide


def told(refusal: Refusal, number: int, verb: str) -> Refusal:
    """The refusal, with the number of the command it is about, from 0."""
    return type(refusal)(f"step {number} ({verb}): {refusal.detail}", **{**refusal.facts, "step": number})

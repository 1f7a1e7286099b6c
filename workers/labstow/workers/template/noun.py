"""The template noun as the kit needs it."""

from typing import Final

from labstow.workers.kit.noun import Noun
from labstow.workers.template.blueprint import Blueprint, seal, state
from labstow.workers.template.lab import Footprint, needs
from labstow.workers.template.rules import RULES

TEMPLATE: Final[Noun[Blueprint]] = Noun(
    name="template",
    entity=Blueprint,
    rules=RULES,
    footprint=Footprint,
    needs=needs,
    state=state,
    seal=seal,
)

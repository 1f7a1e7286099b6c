"""The template noun as the kit needs it."""

from typing import Final

from labstow.workers.kit.noun import Kind, Noun
from labstow.workers.template.blueprint import Blueprint, seal, state
from labstow.workers.template.lab import Footprint, needs
from labstow.workers.template.rules import RULES

TEMPLATE: Final[Noun[Blueprint]] = Noun(
    kinds={Blueprint: Kind("template", state, seal)},
    rules=RULES,
    footprint=Footprint,
    needs=needs,
)

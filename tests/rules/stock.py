"""Templates in memory, for a room where things are made from them."""

from typing import Any, Final

import orjson
import pytest

from labstow.contracts.errors import Refusal
from labstow.contracts.message import Command
from labstow.contracts.template import CreateTemplate, Instantiate, Template, UpdateTemplate
from labstow.workers.kit.memory import MemoryUnit
from labstow.workers.template.lab import Lab
from labstow.workers.template.noun import TEMPLATE
from tests.rules.room import Json, Room, settled

PLATE: Final[Json] = {
    "name": "standard plate",
    "resource_class": "plate",
    "base_type": "grid",
    "rows": 8,
    "columns": 12,
    "attributes": {"material": "polystyrene", "well": {"volume": 200, "shape": "flat"}},
}
TUBES: Final = [
    {
        "name": f"tube {number}",
        "base_type": "continuous_consumable",
        "quantity": "0.25",
        "unit": "mL",
        "position": number,
    }
    for number in range(24)
]
RACK: Final[Json] = {"name": "rack", "base_type": "row", "columns": 24, "children": TUBES}


class Stock:
    """A room with templates: `create`, `update` and `remove` change them, `make` makes things of them."""

    def __init__(self, room: Room) -> None:
        self.room, self.lab = room, Lab()
        self.unit = MemoryUnit(TEMPLATE, self.lab, lambda: room.now)

    def ask(self, command: Command[Any]) -> Json:
        """The answer; a refusal leaves no trace."""
        before, length = dict(self.lab.things), len(self.unit.entries)
        try:
            answer: Json = settled(self.unit.ask(command))
        except Refusal:
            assert (self.lab.things, len(self.unit.entries)) == (before, length)
            raise
        Template.model_validate(answer)
        for entry in self.unit.entries[length:]:
            state = orjson.loads(orjson.dumps(entry["state"]))
            key = state["name"].casefold()
            self.room.lab.templates |= {(key, state["version"]): state, (key, None): state}
            if entry["what"] == "removed":
                self.room.lab.templates = {k: s for k, s in self.room.lab.templates.items() if k[0] != key}
        return answer

    def refused(self, command: Command[Any]) -> Refusal:
        with pytest.raises(Refusal) as refused:
            self.ask(command)
        return refused.value

    def create(self, name: str, resource: Json, **fields: Any) -> Json:
        return self.ask(CreateTemplate.model_validate({"name": name, "resource": resource} | fields))

    def update(self, name: str, **changes: Any) -> Json:
        return self.ask(UpdateTemplate.model_validate({"name": name, "changes": changes}))

    def make(self, template: str, *instances: Json, **fields: Any) -> list[Json]:
        """What is made, with everything in it."""
        made: list[Json] = self.room.ask(order(template, *instances, **fields))["resources"]
        return made


def order(template: str, *instances: Json, **fields: Any) -> Instantiate:
    return Instantiate.model_validate({"template": template, "instances": instances or ({},)} | fields)

"""Any commands in any order: the laboratory is always what a much simpler one says it is."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from labstow.contracts.base_types import CONSUMABLES, CONTAINERS, BaseType
from labstow.contracts.errors import Refusal
from labstow.contracts.message import Command
from labstow.contracts.resource import Add, Init, NewResource, Patch, Remove, Replace, Update, Upsert
from labstow.contracts.ulids import derived_ulid
from tests.rules.model import Model, No
from tests.rules.room import Room, audit, stand

KINDS: Final = {
    derived_ulid(f"{kind} {number}"): kind for number in range(2) for kind in sorted(CONTAINERS) + sorted(CONSUMABLES)
}
"""Two things of each type that matters, by id: few, so that they meet."""
IDS: Final = list(KINDS)
SIZES: Final[dict[BaseType, dict[str, int]]] = {
    BaseType.ROW: {"columns": 3},
    BaseType.GRID: {"rows": 2, "columns": 2},
    BaseType.VOXEL_GRID: {"rows": 1, "columns": 2, "layers": 2},
}
CAREFUL: Final = {"position.occupied", "container.full", "quantity.over_capacity"}
"""What a command of several steps may be refused for although all of it together could be."""

names = st.sampled_from(["tube", "tube", "tube", "plate"])
amounts = st.sampled_from(["0", "1", "2.5", "3", "0.1"])
parents = st.none() | st.sampled_from(IDS) | st.sampled_from([each for each in IDS if KINDS[each] in CONTAINERS])
any_position = st.sampled_from([None, 0, 3, -1, "x", [0, 0], [1, 1], [0, 0, 0], [0, 1, 1]])
text = st.sampled_from(["x", "y"])
POSITIONS: Final[dict[BaseType, st.SearchStrategy[Any]]] = {
    BaseType.ROW: st.integers(0, 2),
    BaseType.GRID: st.sampled_from([[0, 0], [0, 1]]),
    BaseType.VOXEL_GRID: st.sampled_from([[0, 0, 0], [0, 1, 1]]),
    BaseType.COLLECTION: text,
    BaseType.POOL: text,
    BaseType.CONTAINER: st.none() | text,
}


@st.composite
def trees(draw: st.DrawFn, parent: BaseType | None = None, depth: int = 2) -> dict[str, Any]:
    """A thing to add or to write, often with something in it."""
    odd = not draw(st.integers(0, 15))
    wanted = [each for each in IDS if parent is not BaseType.POOL or odd or KINDS[each] in CONSUMABLES]
    resource_id = draw(st.sampled_from(wanted))
    kind = draw(st.sampled_from(sorted(BaseType))) if not draw(st.integers(0, 24)) else KINDS[resource_id]
    tree: dict[str, Any] = {"resource_id": resource_id, "name": draw(names), "base_type": kind, **SIZES.get(kind, {})}
    position = draw(any_position if odd or parent is None else POSITIONS.get(parent, st.none()))
    if position is not None:
        tree["position"] = position
    if kind in CONSUMABLES and draw(st.booleans()):
        whole = kind is BaseType.DISCRETE_CONSUMABLE and not odd
        tree["quantity"] = draw(st.integers(0, 3)) if whole else draw(amounts)
    if kind in CONTAINERS - {BaseType.SLOT} and not draw(st.integers(0, 4)):
        tree["capacity"] = draw(st.sampled_from([0, 1, 2, None]))
    if kind in CONTAINERS and depth:
        tree["children"] = draw(st.lists(trees(kind, depth - 1), min_size=depth - 1, max_size=3))
    return tree


@st.composite
def moves(draw: st.DrawFn) -> tuple[dict[str, Any], str | None]:
    """A thing, and what to put it into."""
    parent = draw(parents)
    return draw(trees(KINDS[parent] if parent else None)), parent


class Laboratory(RuleBasedStateMachine):
    """Asks the laboratory and the model the same.

    Seen to fail without the checks of what is occupied, elsewhere or whole, without the anchor of the cycle check, and
    when versions, pools, lines or what is taken out are counted wrong.
    """

    def __init__(self) -> None:
        super().__init__()
        self.room, self.model = Room(), Model()

    @initialize()
    def begin(self) -> None:
        """With one of each, lying around; some have room for one thing."""
        for each, kind in [*KINDS.items()][: len(IDS) // 2]:
            room = {"capacity": 1} if kind in (BaseType.CONTAINER, BaseType.POOL, BaseType.STACK, *CONSUMABLES) else {}
            self.add(({"resource_id": each, "name": "tube", "base_type": kind, **SIZES.get(kind, {}), **room}, None))

    @rule(move=moves())
    def add(self, move: tuple[dict[str, Any], str | None]) -> None:
        node, parent = NewResource.model_validate(move[0]), move[1]
        self.ask(Add(resource=node, parent_id=parent), lambda model: model.add(node, parent))

    @rule(move=moves())
    def upsert(self, move: tuple[dict[str, Any], str | None]) -> None:
        node, parent = NewResource.model_validate(move[0]), move[1]
        self.ask(Upsert(resource=node, parent_id=parent), lambda model: model.upsert(node, parent))

    @rule(tree=trees())
    def replace(self, tree: dict[str, Any]) -> None:
        node = NewResource.model_validate(tree)
        self.ask(Replace(resource=node), lambda model: model.replace(node))

    @rule(tree=trees())
    def init(self, tree: dict[str, Any]) -> None:
        node = NewResource.model_validate(tree)
        self.ask(Init(resource=node), lambda model: model.init(node))

    @rule(
        resource_id=st.sampled_from(IDS),
        fields=st.fixed_dictionaries({}, optional={"name": names, "quantity": amounts}),
        expected=st.sampled_from([None, None, 1, 2]),
    )
    def update(self, resource_id: str, fields: dict[str, Any], expected: int | None) -> None:
        patch = Patch.model_validate(fields)
        command = Update(resource_id=resource_id, changes=patch, expected_version=expected)
        self.ask(command, lambda model: model.update(resource_id, patch, expected))

    @rule(resource_id=st.sampled_from(IDS))
    def remove(self, resource_id: str) -> None:
        self.ask(Remove(resource_id=resource_id), lambda model: model.remove(resource_id))

    def ask(self, command: Command[Any], apply: Callable[[Model], None]) -> None:
        """Both say yes, or both say no."""
        after: Model | None
        try:
            apply(after := Model(self.model.nodes))
        except No:
            after = None
        try:
            self.room.ask(command)
        except Refusal as refusal:
            assert after is None or refusal.code in CAREFUL, refusal  # noqa: PT017
        else:
            assert after is not None, "this cannot be"
            self.model = after

    @invariant()
    def the_laboratory_is_what_the_model_says(self) -> None:
        """I14-I18, I22, I25, I28, I30, I35, I36."""
        things = {thing.id: thing for thing in self.room.lab.things.values() if thing is not None}
        assert things.keys() == self.model.nodes.keys()
        for each, node in self.model.nodes.items():
            thing = things[each]
            told = (thing.name, thing.parent_id, thing.position, thing.quantity, thing.capacity)
            assert (*told, thing.removed_at is not None) == node.told()
            assert (thing.base_type, thing.version) == (node.kind, node.version)
        entries = Counter(entry["entity_id"] for entry in self.room.unit.entries)
        assert entries == self.room.versions()
        stand(self.room)

    def teardown(self) -> None:
        audit(self.room)


TestLaboratory = Laboratory.TestCase
TestLaboratory.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)

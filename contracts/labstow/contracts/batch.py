"""Many commands to resources as one (`labstow.v1.resource.batch`): all of them are done, or none."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal, Protocol

from pydantic import AfterValidator, Field, JsonValue, create_model

from labstow.contracts import placing, quantities, resource
from labstow.contracts.message import Answer, Command, Message, Text
from labstow.contracts.placing import Place, Push
from labstow.contracts.resource import MAX_NODES, Add, Init, NewResource, Replace, Upsert
from labstow.contracts.template import Instantiate

MAX_COMMANDS: Final = 500

SINGLE: Final[tuple[type[Command[Any]], ...]] = (
    *resource.COMMANDS,
    *placing.COMMANDS,
    *quantities.COMMANDS,
    Instantiate,
)
"""All commands that change resources."""


class Step(Protocol):
    """One command of a batch: `verb` is the last word of its subject."""

    verb: str
    command: Command[Any]


def _step(command: type[Command[Any]]) -> type[Message]:
    verb = command.subject.split(".")[1]
    fields: dict[str, Any] = {"verb": (Literal[verb], ...), "command": (command, ...)}
    return create_model(f"{command.__name__}Step", __base__=Message, __doc__=command.__doc__, **fields)


if TYPE_CHECKING:
    AnyStep = Step
else:
    AnyStep = Annotated[reduce(or_, map(_step, SINGLE)), Field(discriminator="verb")]


def _counted(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Refuse a batch that is too large for one transaction, as far as the contract can tell."""
    found: list[NewResource] = []
    instances = 0
    for step in steps:
        match step.command:
            case Add(resource=tree) | Init(resource=tree) | Upsert(resource=tree) | Replace(resource=tree):
                found.append(tree)
            case Place(resource=tree) | Push(resource=tree):
                found.append(tree)
            case Instantiate(instances=asked):
                instances += len(asked)
    for node in found:
        found.extend(node.children)
    if (count := len(found) + instances) > MAX_NODES:
        raise ValueError(f"{count} resources in one batch, at most {MAX_NODES} fit: send it in parts")
    return steps


class Batched(Answer):
    """The answer of each command, in their order."""

    answers: tuple[dict[str, JsonValue], ...]


class Batch(Command[Batched]):
    """Do several commands in one transaction, each on what those before it did. If one is refused, none is done."""

    subject: ClassVar[str] = "resource.batch"
    steps: Annotated[tuple[AnyStep, ...], Field(min_length=1, max_length=MAX_COMMANDS), AfterValidator(_counted)]
    reason: Text | None = None


COMMANDS: Final[tuple[type[Command[Any]], ...]] = (*SINGLE, Batch)
"""All commands of the resource worker."""

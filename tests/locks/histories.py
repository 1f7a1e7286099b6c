"""What sessions asked and were told, and when: recorded by each client process, merged, and told apart by resource."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

Facts = Mapping[str, Any]

REFUSALS: Final = {"held", "lost"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One request and its answer. Times are seconds of `time.monotonic()`, which all processes of a machine share."""

    session: str
    kind: str
    resources: tuple[str, ...]
    arguments: Facts
    """`tokens`, here and in the result, are by resource."""
    result: Facts | None
    """What was told, in one word under `answer`, and its facts. A refusal over several resources names the ones to
    blame under `because`. None: nobody was told, so it may have happened at any time since the call, or never."""
    called: float
    returned: float = inf

    def __post_init__(self) -> None:
        if not self.called <= self.returned:
            raise ValueError(f"returned before it was called: {self}")
        if (self.result is None) is not (self.returned == inf):
            raise ValueError(f"an operation returns when its result is told, and only then: {self}")

    @property
    def answer(self) -> str | None:
        """What was told, in one word."""
        return None if self.result is None else self.result["answer"]

    def concerns(self) -> Iterable[str]:
        """The resources in whose histories it belongs: all, or those that a refusal blames."""
        if self.result is None or self.answer not in REFUSALS or len(self.resources) == 1:
            return self.resources
        if not self.result.get("because"):
            raise ValueError(f"refused because of which? {self}")
        return tuple(self.result["because"])

    def at(self, resource: str) -> "Operation":
        """The part of one resource in it, with its token."""
        result = None if self.result is None else _facts_of(resource, self.result)
        return replace(self, resources=(resource,), arguments=_facts_of(resource, self.arguments), result=result)

    def __str__(self) -> str:
        asked = " ".join([self.kind, *self.resources, *_told(self.arguments)])
        told = "nobody knows" if self.result is None else " ".join([str(self.answer), *_told(self.result)])
        return f"{self.called:.4f} to {self.returned:.4f}  {self.session}: {asked} -> {told}"


def record(file: BinaryIO, operation: Operation) -> None:
    """Write an operation as a line."""
    file.write(orjson.dumps(operation, option=orjson.OPT_APPEND_NEWLINE))


def recorded(*files: Path) -> list[Operation]:
    """The operations of all files, in the order of their calls."""
    lines = [orjson.loads(line) for file in files for line in file.read_bytes().splitlines()]
    operations = [Operation(**line | {"resources": tuple(line["resources"])} | _return(line)) for line in lines]
    return sorted(operations, key=lambda operation: operation.called)


def by_resource(operations: Iterable[Operation]) -> dict[str, list[Operation]]:
    """The history of each resource. What is done to several at once is in each of their histories, at the same time."""
    histories = defaultdict(list)
    for operation in operations:
        for resource in operation.concerns():
            histories[resource].append(operation.at(resource))
    return dict(sorted(histories.items()))


def _return(line: Facts) -> Facts:
    """When it returned; JSON knows no infinity and says null."""
    return {"returned": inf if line["returned"] is None else line["returned"]}


def _facts_of(resource: str, facts: Facts) -> Facts:
    own = {name: fact for name, fact in facts.items() if name not in {"tokens", "because"}}
    return own | {"token": facts["tokens"][resource]} if "tokens" in facts else own


def _told(facts: Facts) -> list[str]:
    return [f"{name}={fact}" for name, fact in facts.items() if name != "answer"]

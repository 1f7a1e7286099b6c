"""Whether something fits a JSON Schema that somebody gave us: it must not lead elsewhere, nor keep us busy."""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import jsonschema
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from labstow.contracts.place_errors import Unbound

MAX_STEPS: Final = 5_000
"""Keywords of a schema that are looked at for one value."""
NAMES: Final = ("properties", "$defs", "definitions", "dependentSchemas")
"""Keywords below which there are names of the user's."""
NOT_TAKEN: Final = {
    "pattern": "regular expressions are not taken",
    "patternProperties": "regular expressions are not taken",
    "$dynamicRef": "only parts of the schema itself can be referred to",
}
NOWHERE: Final[Registry[Any]] = Registry()
"""Where schemas are fetched from that others refer to."""


class Misfit(NamedTuple):
    """Where in a value something does not fit, and what."""

    path: list[str]
    what: str


def misfit(schema: dict[str, Any], value: Any) -> Misfit | None:
    """The first thing in a value that does not fit.

    Raises:
        Unbound: nobody can tell, as the schema leads nowhere, or without end.
    """
    steps = 0

    def counted(keyword: str, check: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        def count(validator: Any, said: Any, part: Any, within: Any) -> Iterator[Any]:
            nonlocal steps
            steps += len(part) ** 2 // 1_000 if keyword == "uniqueItems" and isinstance(part, list) else 1
            if steps > MAX_STEPS:
                raise unbound("the schema has too much to look at")
            return check(validator, said, part, within)

        return count

    standard = jsonschema.Draft202012Validator
    checks = {keyword: counted(keyword, check) for keyword, check in standard.VALIDATORS.items()}
    try:
        counting: Any = extend(standard, checks)  # type: ignore[no-untyped-call]
        wrong = next(counting(schema, registry=NOWHERE).iter_errors(value), None)
    except (Unresolvable, RecursionError):
        raise unbound("the schema refers to what is not in it, or to itself without end") from None
    return Misfit([*map(str, wrong.absolute_path)], wrong.message) if wrong is not None else None


def refuse_schema(schema: dict[str, Any]) -> None:
    """Refuse what is no JSON Schema, or none that we take: better now than when somebody makes a location.

    Raises:
        Unbound
    """
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as wrong:
        raise unbound(f"template.schema_def: {wrong.message[:500]}") from None
    waiting: list[tuple[Any, bool]] = [(schema, False)]
    for part, names in waiting:
        if isinstance(part, dict):
            if not names:
                _refuse_keywords(part)
            waiting += [(below, key in NAMES and not names) for key, below in part.items()]
        elif isinstance(part, list):
            waiting += [(below, False) for below in part]


def unbound(summary: str) -> Unbound:
    """A refusal that says where something is missing or does not fit."""
    return Unbound(summary=summary, errors=[])


def _refuse_keywords(part: dict[str, Any]) -> None:
    if found := next((keyword for keyword in NOT_TAKEN if keyword in part), None):
        raise unbound(f"template.schema_def: {found}: {NOT_TAKEN[found]}")
    if not str(part.get("$ref", "#")).startswith("#"):
        raise unbound("template.schema_def: $ref: only parts of the schema itself can be referred to")

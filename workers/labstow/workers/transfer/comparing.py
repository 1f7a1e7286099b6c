"""Three-way comparison of what is there with what a lab file says: what it said last tells what was changed by others.

A file speaks of what it names, and of nothing else: so nothing is ever removed.
"""

from collections.abc import Iterator, Mapping, Set
from typing import Any, Final, Literal, NamedTuple

Json = dict[str, Any]

NEW: Final = "is not there yet"
UNSET: Final = "was not set yet"
OURS: Final = "is still as a lab file left it"
TAUGHT: Final = "was not set by a lab file, and stays"
CHANGED: Final = "was changed since a lab file said otherwise, and stays"


class Finding(NamedTuple):
    """Something that a lab file says otherwise than the laboratory."""

    keys: tuple[str, ...]
    """Where, from the outside in."""
    live: Any
    file: Any
    action: Literal["add", "change", "keep"]
    sentence: str


class Shape(NamedTuple):
    """How a kind of thing is compared: by the fields of it, and by the keys of some of them."""

    depths: Mapping[str, int]
    """How many levels of keys are compared singly, by field; what is below is one value, as a list always is."""
    unset: Json
    """What there is where nobody ever said anything."""


def compare(live: Json, base: Json, file: Json, shape: Shape) -> list[Finding]:
    """What a file says otherwise than `live`, where `base` is what a file said last."""
    return [
        finding
        for field, value in file.items()
        for finding in _compare((field,), (live, base, shape.unset), value, shape.depths.get(field, 0))
    ]


def brought(live: Json, findings: list[Finding]) -> Json:
    """Those fields of `live` that change, as they are to be: with what is added and changed."""
    fields: Json = {}
    for finding in findings:
        if finding.action != "keep":
            field = finding.keys[0]
            fields[field] = _with(fields.get(field, live.get(field)), finding.keys[1:], finding.file)
    return fields


def said(base: Json, file: Json, findings: list[Finding], shape: Shape) -> Json:
    """What files have said after this one; but for what never was as a file said, so that cannot have changed since."""
    never = {finding.keys for finding in findings if finding.sentence == TAUGHT}
    return _over(base, file, {field: shape.depths.get(field, 0) for field in file}, never)


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON; 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _compare(keys: tuple[str, ...], sides: tuple[Json, Json, Json], file: Any, depth: int) -> Iterator[Finding]:
    """Compare what is at the last of the keys; `sides` are what holds it: live, base, and unset."""
    key = keys[-1]
    live, base, unset = sides
    if depth and isinstance(file, dict):
        inside = tuple(_inside(side, key) for side in sides)
        for name, value in file.items():
            yield from _compare((*keys, name), (inside[0], inside[1], inside[2]), value, depth - 1)
    elif key not in live:
        yield Finding(keys, None, file, "add", NEW)
    elif same(live[key], file):
        return
    elif key in base:
        ours = same(live[key], base[key])
        yield Finding(keys, live[key], file, "change" if ours else "keep", OURS if ours else CHANGED)
    else:
        nobodys = key in unset and same(live[key], unset[key])
        yield Finding(keys, live[key], file, "change" if nobodys else "keep", UNSET if nobodys else TAUGHT)


def _inside(side: Json, key: str) -> Json:
    found = side.get(key)
    return found if isinstance(found, dict) else {}


def _with(value: Any, keys: tuple[str, ...], new: Any) -> Any:
    if not keys:
        return new
    inside = value if isinstance(value, dict) else {}
    return {**inside, keys[0]: _with(inside.get(keys[0]), keys[1:], new)}


def _over(
    base: Json, file: Json, depths: Mapping[str, int], never: Set[tuple[str, ...]], at: tuple[str, ...] = ()
) -> Json:
    """`base` with what `file` names, so many levels deep, without what is at some places."""
    result = dict(base)
    for key, value in file.items():
        here = (*at, key)
        if depths[key] and isinstance(value, dict):
            result[key] = _over(_inside(base, key), value, dict.fromkeys(value, depths[key] - 1), never, here)
        elif here not in never:
            result[key] = value
    return result

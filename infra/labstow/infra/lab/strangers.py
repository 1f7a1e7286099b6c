"""Locations and nodes that a lab file speaks of, but says nothing about."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from labstow.contracts.lab_file import LabFile
from labstow.infra.lab.mistakes import Mistake, Path, near, shown
from labstow.infra.lab.reading import Document


def strangers(lab: LabFile, document: Document) -> Iterator[Mistake]:
    """Warnings of all such names; where the file has no locations at all, it cannot be told."""
    abilities = lab.transfer_capabilities
    if not lab.locations or abilities is None:
        return
    names = {one.location_name for one in lab.locations} | {one.location_id for one in lab.locations if one.location_id}
    nodes = {node for one in lab.locations for node in one.representations}
    for path, key in _keys(abilities.model_dump(exclude_unset=True)):
        if key not in names:
            told = f"no location of this file is called {shown(key)}{near(key, names)}"
            yield Mistake(path, document.line(path), told, warning=True)
    for path, node in _nodes(document.value["transfer_capabilities"], ("transfer_capabilities",)):
        if node not in nodes:
            told = f"no location of this file has a representation for {shown(node)}{near(node, nodes)}"
            yield Mistake(path, document.line(path), told, warning=True)


def _keys(abilities: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """Everything that names a location, and where."""
    at: Path = ("transfer_capabilities", "override_transfer_templates")
    for kind, of in (abilities.get("override_transfer_templates") or {}).items():
        for key, inner in (of or {}).items():
            yield (*at, kind, key), key
            if kind == "pair_overrides":
                yield from (((*at, kind, key, target), target) for target in inner)
    for kind in ("linked", "exclusive"):
        for number, group in enumerate(abilities.get(kind, ())):
            yield from ((("transfer_capabilities", kind, number, place), key) for place, key in enumerate(group))


def _nodes(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The node of every transfer template, and where."""
    if isinstance(value, dict) and isinstance(value.get("node_name"), str):
        yield (*path, "node_name"), value["node_name"]
    elif isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        yield from chain.from_iterable(_nodes(inner, (*path, part)) for part, inner in parts)

"""Names that a lab file speaks of, but says nothing about."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from labstow.contracts.lab_file import LabFile, PlaceEntry
from labstow.contracts.pattern import NewLocationTemplate
from labstow.infra.lab.mistakes import Mistake, Path, near, shown
from labstow.infra.lab.reading import Document


def strangers(lab: LabFile, document: Document) -> Iterator[Mistake]:
    """Warnings of all locations and nodes that the file does not have, and of templates that it has by a similar name:
    of what is in the laboratory already it need not speak.
    """
    for path, told in chain(_places(lab, document), _templates(lab)):
        yield Mistake(path, document.line(path), told, warning=True)


def _places(lab: LabFile, document: Document) -> Iterator[tuple[Path, str]]:
    """Where a file has no locations at all, it cannot be told."""
    abilities = lab.transfer_capabilities
    if not lab.locations or abilities is None:
        return
    names = {one.location_name for one in lab.locations} | {one.location_id for one in lab.locations if one.location_id}
    nodes = {node for one in lab.locations for node in one.representations}
    for path, key in abilities.places():
        if key not in names:
            yield ("transfer_capabilities", *path), f"no location of this file is called {shown(key)}{near(key, names)}"
    for path, node in _nodes(document.value["transfer_capabilities"], ("transfer_capabilities",)):
        if node not in nodes:
            yield path, f"no location of this file has a representation for {shown(node)}{near(node, nodes)}"


def _templates(lab: LabFile) -> Iterator[tuple[Path, str]]:
    of: dict[Path, str | None] = {
        (kind, at, "resource_template_name"): one.resource_template_name
        for kind, entries in (("locations", lab.locations), ("location_templates", lab.location_templates))
        for at, one in enumerate[PlaceEntry | NewLocationTemplate](entries)
    }
    roles: dict[Path, str | None] = {
        ("location_templates", at, "representation_templates", role): name
        for at, one in enumerate(lab.location_templates)
        for role, name in one.representation_templates.items()
    }
    yield from _misspelt("resource template", of, {one.name.casefold(): one.name for one in lab.resource_templates})
    yield from _misspelt("representation template", roles, {one.name: one.name for one in lab.representation_templates})


def _misspelt(kind: str, named: dict[Path, str | None], known: dict[str, str]) -> Iterator[tuple[Path, str]]:
    """Names that are none of the known ones, by how they are compared, but like one of them."""
    names = {name for name in named.values() if name is not None}
    guesses = {name: near(name, known.values()) for name in names if known.keys().isdisjoint((name, name.casefold()))}
    for path, name in named.items():
        if guess := guesses.get(name or ""):
            yield path, f"no {kind} of this file is called {shown(name)}{guess}"


def _nodes(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The node of every transfer template, and where."""
    if isinstance(value, dict) and isinstance(value.get("node_name"), str):
        yield (*path, "node_name"), value["node_name"]
    elif isinstance(value, dict | list):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        yield from chain.from_iterable(_nodes(inner, (*path, part)) for part, inner in parts)

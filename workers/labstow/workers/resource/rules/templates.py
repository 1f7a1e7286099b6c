"""Making resources from a template."""

from datetime import datetime
from typing import Any, Final

from orjson import Fragment

from labstow.contracts.errors import IdTaken, Invalid, MissingOverrides, Refusal, TooMany
from labstow.contracts.resource import MAX_NODES, NewResource
from labstow.contracts.template import Instance, Instantiate, Template
from labstow.workers.kit.journal import same
from labstow.workers.kit.noun import By, Outcome, Wanted
from labstow.workers.resource.draft import Draft
from labstow.workers.resource.footprint import HEAVY, Footprint
from labstow.workers.resource.lab import Lab
from labstow.workers.resource.matching import definition_key, matches
from labstow.workers.resource.merging import AMOUNTS, equal
from labstow.workers.resource.nesting import contents, refuse_depth
from labstow.workers.resource.placing import put
from labstow.workers.resource.reading.nodes import Inside, node, tree
from labstow.workers.resource.thing import Thing, height, state
from labstow.workers.resource.writing import WRITABLE, enter
from labstow.workers.template.blueprint import no_template
from labstow.workers.template.overriding import gives, merged, refuse_fixed, validated

TELLING: Final = (*WRITABLE, "base_type", "rows", "columns", "layers", "one_indexed", "template_name", "removed_at")
"""Fields in which a known thing must be what would be made. The quantity of a container counts what is in it."""

AS_MADE: Final = (*AMOUNTS, "description", "attributes", "rows", "columns", "layers", "one_indexed")
"""Fields in which a known thing must have been at first what is overridden."""


def instantiate(lab: Lab, command: Instantiate, now: datetime, by: By) -> Outcome[Thing]:
    """Things made from a template, all or none; what is known and is all that would be made is not made again."""
    template = load(lab, command)
    refuse_many(lab, template, command)
    draft, wanted = Draft(lab, now), Footprint()
    roots: list[Thing] = []
    made = made_from(lab, template.name)
    for number, instance in enumerate(command.instances):
        try:
            new = filled(template, instance, f"instances.{number}")
            if command.attach_by_name and (found := named(lab, new, instance.overrides, roots)):
                roots.append(found)
                continue
            if command.attach:
                want_made(lab, template.name, str(new.name))
            alike = made.setdefault(str(new.name), [])
            known = existing(lab, template, new, alike if command.attach else [], now)
            roots.append(known or _enter(draft, template, new, instance.parent_id))
            alike.append(roots[-1])
        except Wanted as more:  # go on, to want all at once what the rest wants
            wanted.add(more.footprint)
        except Refusal as refusal:
            if wanted == Footprint():
                raise _told(refusal, number, command) from None
    if wanted != Footprint():
        raise Wanted(wanted)
    known_inside = contents(lab, *(root for root in roots if lab.things.get(root.id) is not None))
    outcome = draft.outcome(None)
    shown = {"resources": _shown(roots, [*known_inside, *(change.thing for change in outcome.changes)])}
    return outcome._replace(shown=shown, changes=outcome.changes if command.add else ())


def load(lab: Lab, command: Instantiate) -> Template:
    """The template a command names, at the version it names.

    Raises:
        NoTemplate
    """
    key = (command.template.casefold(), command.version)
    if key not in lab.templates and not lab.complete:
        raise Wanted(Footprint(templates={key}))
    if (found := lab.templates.get(key)) is None:
        raise no_template(command.template, command.version)
    return Template.model_construct(**found)  # as we wrote it


def filled(template: Template, instance: Instance, within: str) -> NewResource:
    """What is to be made: the template's resource, overridden.

    Raises:
        MissingOverrides: the template leaves something to its user that was not given.
        Invalid: an override of what cannot be overridden, or it comes to something that cannot be.
    """
    refuse_fixed(instance.overrides, f"{within}.overrides")
    given: dict[str, Any] = instance.overrides | ({} if instance.name is None else {"name": instance.name})
    fields = merged(template.resource, given)
    missing = [path for path in template.required_overrides if not gives(given, path)]
    if fields.get("name") is None and "name" not in missing:
        missing.append("name")
    if missing:
        raise MissingOverrides(fields=missing)
    return validated(fields | {"resource_id": instance.resource_id, "position": instance.position}, within)


def named(lab: Lab, new: NewResource, overrides: dict[str, Any], roots: list[Thing]) -> Thing | None:
    """The thing that goes by what would be made: name, class, type, and the owner that is asked for; and was what is
    overridden when it was made. It may be one of the `roots` that were made before it.
    """
    owner = merged({}, {"owner": overrides.get("owner") or {}})["owner"]
    known_as = new.model_copy(update={"owner": owner, "attributes": {}})
    there = [*lab.matching(definition_key(known_as), known_as), *(root for root in roots if matches(root, known_as))]
    asked: dict[str, Any] = {name: overrides[name] for name in AS_MADE if name in overrides}
    if asked and not lab.complete and (past := {(one.id, 1) for one in there if one.version > 1} - lab.past.keys()):
        raise Wanted(Footprint(past=past))
    found = [thing for thing in there if not asked or began_so(lab, thing, new, asked)]
    return next((thing for thing in found if thing.id == new.resource_id), found[0] if found else None)


def began_so(lab: Lab, thing: Thing, new: NewResource, asked: dict[str, Any]) -> bool:
    """Whether a thing was at first what is asked for: a bottle of another lot is another bottle, whatever its name."""
    first = state(thing) if thing.version == 1 else lab.at_version(thing, 1)
    if first is None:  # only in memory the past is not known
        return True
    then = {name: getattr(new, name) for name in asked}
    if "attributes" in asked:
        then |= {"attributes": merged(first, asked)["attributes"]}
    return all(equal(value, first[name]) for name, value in then.items())


def made_from(lab: Lab, template_name: str) -> dict[str, list[Thing]]:
    """The loaded things that were made from a template, by name; some may be removed."""
    found: dict[str, list[Thing]] = {}
    for thing in lab.things.values():
        if thing is not None and thing.template_name == template_name:
            found.setdefault(thing.name, []).append(thing)
    return found


def want_made(lab: Lab, template_name: str, name: str) -> None:
    """Want all things of a name that were made from a template, unless they are loaded."""
    if lab.complete:
        return
    known = lab.made.get((template_name, name))
    if known is None:
        raise Wanted(Footprint(made={(template_name, name)}))
    if missing := set(known) - lab.things.keys():
        raise Wanted(Footprint(rows=missing))


def existing(lab: Lab, template: Template, new: NewResource, alike: list[Thing], now: datetime) -> Thing | None:
    """The thing that is all that would be made: the one with its id, or the first of some that may be.

    Raises:
        IdTaken: there is one with its id, but it differs.
    """
    known = lab.find(new.resource_id) if new.resource_id is not None else None
    candidates = [known] if known is not None else alike
    if not candidates:
        return None
    wanted = _enter(Draft(lab, now), template, new.model_copy(update={"resource_id": None}))
    for candidate in candidates:
        differs = [name for name in TELLING if not same(getattr(candidate, name), getattr(wanted, name))]
        if not differs:
            return candidate
        if known is not None:
            facts = {"name": known.name, "base_type": known.base_type, "differs": ", ".join(differs)}
            raise IdTaken(resource_id=known.id, **facts)
    return None


def refuse_many(lab: Lab, template: Template, command: Instantiate) -> None:
    """Refuse what is too much for one command, and one id for two things.

    Raises:
        TooMany, Invalid
    """
    count = len(command.instances) * _size(template.resource)
    if count > MAX_NODES:
        raise TooMany(count=count, limit=MAX_NODES, instead="make them in parts")
    if count >= HEAVY and not (lab.alone or lab.complete):
        raise Wanted(Footprint(alone=True))
    ids = [instance.resource_id for instance in command.instances if instance.resource_id is not None]
    if len(set(ids)) < len(ids):
        raise Invalid(summary="instances: one resource_id occurs twice", errors=[])


def _enter(draft: Draft, template: Template, new: NewResource, parent_id: str | None = None) -> Thing:
    """A new thing of a template, in a container or nowhere."""
    thing = enter(draft, new)
    draft.change(thing.id, "added", template_name=template.name, template_version=template.version)
    if parent_id is not None:
        container = draft.lab.container(parent_id)
        refuse_depth(draft.lab, container, height(new))
        put(draft, draft.thing(thing.id), container.id, new.position)
    return draft.thing(thing.id)


def _shown(roots: list[Thing], things: list[Thing]) -> list[Fragment]:
    """Resources with everything in them."""
    nodes = {each.id: node(each) for each in (*roots, *things)}
    inside: Inside = {}
    for each in nodes.values():
        if each.parent_id is not None:
            inside.setdefault(each.parent_id, []).append(each)
    return [Fragment(tree(nodes[root.id], inside)) for root in roots]


def _size(resource: Any) -> int:
    """How many things a template makes."""
    return 1 + sum(map(_size, resource.get("children", ())))


def _told(refusal: Refusal, number: int, command: Instantiate) -> Refusal:
    """The refusal; where there are several, with the number of the instance it is about, from 0."""
    if len(command.instances) == 1:
        return refusal
    return type(refusal)(f"instance {number}: {refusal.detail}", **{**refusal.facts, "instance": number})

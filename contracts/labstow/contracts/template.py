"""Messages of the template noun (`labstow.v1.template.*`): blueprints that resources are made from.

A template has a name, unique without regard to case. Changing it makes a new version; every version stays as it was,
and a resource tells which one it was made from.
"""

from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import AfterValidator, Field, JsonValue, model_validator

from labstow.contracts.base_types import BaseType
from labstow.contracts.message import Answer, Attributes, Command, Instant, Message, Name, Query, Text, Ulid, Version
from labstow.contracts.positions import Position
from labstow.contracts.resource import Resource, Tree

MAX_INSTANCES: Final = 500
MAX_TAGS: Final = 100
NEVER_DEFAULTED: Final = frozenset({"resource_id", "version", "position", "base_type", "children"})
"""Fields that say what or where a resource is: no override changes or requires them."""


def _no_slash(name: str) -> str:
    if "/" in name or name != name.strip():
        raise ValueError("must not contain a slash, or begin or end with a space")
    return name


TemplateName = Annotated[Name, AfterValidator(_no_slash)]
"""As written by whoever made it; found without regard to case."""
Tags = Annotated[tuple[Name, ...], Field(max_length=MAX_TAGS)]
Path = Name
"""A field of a resource, or with dots a key in its `attributes` or `owner`: `attributes.lot`."""


class Template(Answer):
    """A template as it is, or was at a version."""

    template_id: Ulid
    name: str
    description: str | None
    label: str | None
    """What its makers call this version, such as 1.0.0."""
    tags: tuple[str, ...]
    required_overrides: tuple[str, ...]
    """What must be given whenever a resource is made from it."""
    created_by: str | None
    resource: dict[str, JsonValue]
    """What is made from it, unless overridden: a `NewResource`."""
    created_at: Instant
    updated_at: Instant
    removed_at: Instant | None
    version: int


class CreateTemplate(Command[Template]):
    """Make a template out of a resource; ids, versions and positions of the whole are left out of it."""

    subject: ClassVar[str] = "template.create"
    name: TemplateName
    resource: Tree
    description: Text | None = None
    label: Name | None = None
    tags: Tags = ()
    required_overrides: Annotated[tuple[Path, ...], Field(max_length=MAX_TAGS)] = ()
    created_by: Name | None = None
    replace: bool = False
    """If there is one of this name, make this its next version; else that is refused."""


class TemplatePatch(Message):
    """Fields to change; a field that is not named stays."""

    description: Text | None = None
    label: Name | None = None
    tags: Tags | None = None
    required_overrides: Annotated[tuple[Path, ...], Field(max_length=MAX_TAGS)] | None = None
    resource: Attributes | None = None
    """Fields of the resource, merged deeply: a null removes a key of `attributes` or `owner`."""

    @model_validator(mode="after")
    def _only_some_can_be_null(self) -> Self:
        for name in ("tags", "required_overrides", "resource"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null: leave it out to keep it")
        return self


class UpdateTemplate(Command[Template]):
    """Change the named fields: this makes a new version."""

    subject: ClassVar[str] = "template.update"
    name: TemplateName
    changes: TemplatePatch
    expected_version: Version | None = None


class RemoveTemplate(Command[Template]):
    """Remove a template. What was made from it stays, its versions stay in the history, its name is free."""

    subject: ClassVar[str] = "template.remove"
    name: TemplateName
    expected_version: Version | None = None
    reason: Text | None = None


class GetTemplate(Query[Template]):
    """Read a template, as it is or at one of its versions."""

    subject: ClassVar[str] = "template.get"
    name: TemplateName
    version: Version | None = None


class Templates(Answer):
    """Templates by name."""

    templates: tuple[Template, ...]
    next: str | None
    """`after` of the next query; null at the end."""


class ListTemplates(Query[Templates]):
    """List templates. Filters add up; `container` and `consumable` stand for their whole family."""

    subject: ClassVar[str] = "template.list"
    base_type: BaseType | None = None
    tags: Tags = ()
    """All of these."""
    created_by: Name | None = None
    limit: Annotated[int, Field(strict=True, ge=1, le=1_000)] = 100
    after: Name | None = None


class Categories(Answer):
    """Names of templates by category: by base type, those of containers all under `container`, too."""

    categories: dict[str, tuple[str, ...]]


class GetCategories(Query[Categories]):
    """Ask which templates there are for what."""

    subject: ClassVar[str] = "template.categories"


class Instance(Message):
    """A resource to be made from a template."""

    resource_id: Ulid | None = None
    name: Name | None = None
    overrides: Attributes = Field(default_factory=dict)
    """Fields of a `NewResource` that differ from the template; `attributes` and `owner` merge deeply."""
    parent_id: Ulid | None = None
    position: Position | None = None


class Instantiated(Answer):
    """What was made, in the order in which it was asked for, with everything in it."""

    resources: tuple[Resource, ...]


class Instantiate(Command[Instantiated]):
    """Make resources from a template, all or none."""

    subject: ClassVar[str] = "template.instantiate"
    template: TemplateName
    version: Version | None = None
    """None: the newest."""
    instances: Annotated[tuple[Instance, ...], Field(min_length=1, max_length=MAX_INSTANCES)]
    attach: bool = False
    """Where a resource of the same name was made from this template, is all that would be made now, and is not
    removed, answer that one instead."""
    attach_by_name: bool = False
    """Where there is a thing of the same name, class and type, with the owner that is asked for, that was what is
    overridden when it was made, answer it as it is now, whatever became of it since; of several the oldest."""
    add: bool = True
    """If not, only show what would be made."""


COMMANDS: Final[tuple[type[Command[Any]], ...]] = (CreateTemplate, UpdateTemplate, RemoveTemplate)
"""What changes templates; `Instantiate` is a command to resources."""
QUERIES: Final[tuple[type[Query[Any]], ...]] = (GetTemplate, ListTemplates, GetCategories)
EVENTS: Final = {"created": "it is new", "updated": "it has a new version", "removed": "nothing is made from it now"}

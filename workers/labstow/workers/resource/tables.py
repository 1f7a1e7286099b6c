"""The table of resources, and its rules said once more where nothing can go round them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnClause,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    any_,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import ForeignKeyConstraint
from sqlalchemy.sql.elements import ColumnElement

from labstow.contracts.base_types import CONTAINERS
from labstow.workers.kit.tables import metadata, moment, ulid

words: ColumnClause[str] = literal_column(
    "to_tsvector('simple'::regconfig, regexp_replace((((name || ' '::text) || resource_class) || ' '::text)"
    " || COALESCE(description, ''::text), '[^[:alnum:]]+'::text, ' '::text, 'g'::text))"
)
"""The words of a resource, for `find` by text; as Postgres writes it, so that it is known to be the index's."""


def holding(base_type: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether things of a type can hold others; written so that the index for it is known."""
    kinds = ", ".join(f"'{kind}'::text" for kind in sorted(CONTAINERS))
    return base_type == any_(literal_column(f"ARRAY[{kinds}]"))


resource = Table(
    "resource",
    metadata,
    ulid("id", nullable=False, primary_key=True),
    Column("name", Text, nullable=False),
    Column("resource_class", Text, nullable=False),
    Column("base_type", Text, nullable=False),
    Column("description", Text),
    Column("owner", JSONB, nullable=False),
    Column("attributes", JSONB, nullable=False),
    ulid("parent_id"),
    Column("position", Text),
    Column("order_seq", BigInteger),
    Column("pooled", Boolean, nullable=False),
    ulid("removed_from"),
    Column("rows", Integer),
    Column("columns", Integer),
    Column("layers", Integer),
    Column("one_indexed", Boolean, nullable=False),
    Column("quantity", Numeric(38, 12)),
    Column("capacity", Numeric(38, 12)),
    Column("unit", Text),
    Column("template_name", Text),
    Column("template_version", Integer),
    moment("created_at", nullable=False),
    moment("updated_at", nullable=False),
    moment("removed_at"),
    ulid("removal_id"),
    Column("version", Integer, nullable=False),
    Column("next_seq", BigInteger, nullable=False),
    Column("head", Text, nullable=False),
    # Both deferred: one statement may swap two things, or add a container and what is in it.
    UniqueConstraint("parent_id", "position", name="resource_position", deferrable=True, initially="DEFERRED"),
    ForeignKeyConstraint(
        ["parent_id"], ["labstow.resource.id"], name="resource_parent", deferrable=True, initially="DEFERRED"
    ),
    CheckConstraint("quantity >= 0 and quantity <> 'NaN'", name="resource_quantity"),
    CheckConstraint("quantity <= capacity and capacity <> 'NaN'", name="resource_capacity"),
    CheckConstraint("parent_id <> id", name="resource_not_in_itself"),
    Index("resource_order", "parent_id", "order_seq", postgresql_where=text("order_seq is not null")),
    # Most things hold nothing, so that it is quick to find what does.
    Index("resource_containers", "parent_id", postgresql_where=holding(literal_column("base_type", Text))),
    Index("resource_name", "name", "resource_class"),
    Index("resource_class", "resource_class", "id", postgresql_where=text("removed_at is null")),
    Index("resource_words", words, postgresql_using="gin"),
    Index("resource_base_type", "base_type", "id", postgresql_where=text("removed_at is null")),
    # Partial, for most things have none: an index nobody enters costs nothing.
    Index(
        "resource_attributes",
        "attributes",
        postgresql_using="gin",
        postgresql_ops={"attributes": "jsonb_path_ops"},
        postgresql_where=text("attributes <> '{}'"),
    ),
    Index(
        "resource_owner",
        "owner",
        postgresql_using="gin",
        postgresql_ops={"owner": "jsonb_path_ops"},
        postgresql_where=text("owner <> '{}'"),
    ),
    Index("resource_removal", "removal_id", postgresql_where=text("removal_id is not null")),
)

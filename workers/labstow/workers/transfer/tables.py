"""The tables of places and transfers."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from labstow.workers.kit.tables import SCHEMA, metadata, moment, ulid

LIVE: Final = text("removed_at is null")
OPEN: Final = text("state = 'begun'")
_RESOURCE: Final = f"{SCHEMA}.resource.id"

location = Table(
    "location",
    metadata,
    ulid("id", nullable=False, primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("representations", JSONB, nullable=False),
    ulid("resource_id", ForeignKey(_RESOURCE)),
    Column("resource_template_name", Text),
    Column("resource_template_overrides", JSONB(none_as_null=True)),
    Column("awaits_template", Boolean, nullable=False),
    Column("allow_transfers", Boolean, nullable=False),
    Column("managed_by", Text, nullable=False),
    Column("owner", JSONB, nullable=False),
    Column("location_template_name", Text),
    Column("node_bindings", JSONB(none_as_null=True)),
    Column("applied", JSONB(none_as_null=True)),
    moment("created_at", nullable=False),
    moment("updated_at", nullable=False),
    moment("removed_at"),
    Column("version", Integer, nullable=False),
    Column("head", Text, nullable=False),
    Index("location_name", "name", unique=True, postgresql_where=LIVE),
    Index("location_resource", "resource_id", unique=True, postgresql_where=text("resource_id is not null")),
    Index("location_awaits", "id", postgresql_where=text("awaits_template")),
    # So that what is at a location always exists: only a live location has something.
    CheckConstraint("removed_at is null or resource_id is null", name="location_removed_is_empty"),
)

setting = Table(
    "setting",
    metadata,
    ulid("id", nullable=False, primary_key=True),
    Column("capabilities", JSONB, nullable=False),
    Column("applied", JSONB(none_as_null=True)),
    moment("updated_at", nullable=False),
    Column("version", Integer, nullable=False),
    Column("head", Text, nullable=False),
)

pattern = Table(
    "pattern",
    metadata,
    ulid("id", nullable=False, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    moment("created_at", nullable=False),
    moment("updated_at", nullable=False),
    moment("removed_at"),
    Column("version", Integer, nullable=False),
    Column("head", Text, nullable=False),
    Index("pattern_name", "kind", "name", unique=True, postgresql_where=LIVE),
)

transfer = Table(
    "transfer",
    metadata,
    ulid("id", nullable=False, primary_key=True),
    Column("state", Text, nullable=False),
    ulid("resource_id", ForeignKey(_RESOURCE), nullable=False),
    Column("node", Text, nullable=False),
    ulid("gripper_id", nullable=False),
    Column("source", JSONB, nullable=False),
    Column("target", JSONB, nullable=False),
    Column("left_at", JSONB(none_as_null=True)),
    Column("lease", Text),
    Column("holder", Text, nullable=False),
    Column("purpose", Text),
    moment("begun_at", nullable=False),
    moment("due_at", nullable=False),
    Column("overdue", Boolean, nullable=False),
    moment("ended_at"),
    Column("reason", Text),
    Column("version", Integer, nullable=False),
    Column("head", Text, nullable=False),
    Index("transfer_open", "resource_id", unique=True, postgresql_where=OPEN),
    Index("transfer_gripper", "gripper_id", unique=True, postgresql_where=OPEN),
    Index("transfer_due", "due_at", postgresql_where=text("state = 'begun' and not overdue")),
    Index("transfer_resource", "resource_id", "id"),
)

lab_version = Table(
    "lab_version",
    metadata,
    Column("one", Boolean, CheckConstraint("one", name="lab_version_is_one"), primary_key=True),
    Column("version", BigInteger, nullable=False),
)
"""Counts the changes of places and of what robots can do: whoever has a graph of another version makes a new one."""

"""The table of templates as they are now. Each version they had is in the journal, which nobody can change."""

from sqlalchemy import Column, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from labstow.workers.kit.tables import metadata, moment, ulid

template = Table(
    "template",
    metadata,
    ulid("id", nullable=False, primary_key=True),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("base_type", Text, nullable=False),
    Column("description", Text),
    Column("label", Text),
    Column("tags", ARRAY(Text), nullable=False),
    Column("required_overrides", ARRAY(Text), nullable=False),
    Column("created_by", Text),
    Column("resource", JSONB, nullable=False),
    moment("created_at", nullable=False),
    moment("updated_at", nullable=False),
    moment("removed_at"),
    Column("version", Integer, nullable=False),
    Column("head", Text, nullable=False),
    # Names are unique without regard to case, and free again once a template is removed.
    Index("template_key", "key", unique=True, postgresql_where=text("removed_at is null")),
)

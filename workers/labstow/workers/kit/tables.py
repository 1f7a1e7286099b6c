"""The tables every noun shares: what happened, what is still to be published, what was answered."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

SCHEMA = "labstow"
metadata = MetaData(schema=SCHEMA)


def ulid(name: str, *constraints: ForeignKey, nullable: bool = True, primary_key: bool = False) -> Column[str]:
    """An id. Collation C, so that Postgres and Python agree on the order in which rows are locked."""
    return Column(name, Text(collation="C"), *constraints, nullable=nullable, primary_key=primary_key)


def moment(name: str, *, nullable: bool = True) -> Column[object]:
    """A moment with its zone."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


journal = Table(
    "journal",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    ulid("event_id", nullable=False),
    Column("noun", Text, nullable=False),
    ulid("entity_id", nullable=False),
    Column("version", Integer, nullable=False),
    Column("what", Text, nullable=False),
    moment("at", nullable=False),
    Column("actor", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("op_id", Text, nullable=False),
    ulid("group_id"),
    Column("reason", Text),
    Column("trace", Text),
    ulid("parent_id"),
    # json, not jsonb: the hash is over these very bytes.
    Column("changes", JSON, nullable=False),
    Column("state", JSON, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("token", BigInteger),
    UniqueConstraint("entity_id", "noun", "version", name="journal_version"),
    Index("journal_at", "at"),
    Index("journal_entity_at", "entity_id", "at"),
    Index("journal_actor", "actor", "seq"),
    Index("journal_granted", "entity_id", "at", postgresql_where=text("noun = 'lock' and what = 'granted'")),
    Index("journal_parent", "parent_id", "entity_id", postgresql_where=text("parent_id is not null")),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", BigInteger, ForeignKey(journal.c.seq), primary_key=True),
    Column("claimed", Boolean, nullable=False, server_default=text("false")),
)

operation = Table(
    "operation",
    metadata,
    Column("op_id", Text, primary_key=True),
    Column("principal", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("reply", Text, nullable=False),
    moment("at", nullable=False),
    Index("operation_at", "at"),
)

"""The tables of locks: one narrow row for each resource, made with it and never deleted; and who waits."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from labstow.workers.kit.tables import SCHEMA, metadata, moment, ulid

HELD: Final = text("lease is not null and ended is null")
"""In force, unless its time is over and nobody has noted it yet."""

lease = Table(
    "lease",
    metadata,
    ulid("id", ForeignKey(f"{SCHEMA}.resource.id"), nullable=False, primary_key=True),
    Column("version", Integer, nullable=False, server_default=text("0")),
    Column("head", Text, nullable=False, server_default=text("''")),
    Column("token", BigInteger, nullable=False, server_default=text("0")),
    Column("lease", Text),
    ulid("grant_id"),
    Column("holder", Text),
    Column("session", Text),
    Column("purpose", Text),
    Column("scope", Text),
    Column("lenient", Boolean, nullable=False, server_default=text("false")),
    Column("ttl_s", Double),
    moment("granted_at"),
    moment("expires_at"),
    Column("ended", Text),
    moment("cooling_until"),
    Column("awaits_operator", Boolean, nullable=False, server_default=text("false")),
    Column("line", JSONB, nullable=False, server_default=text("'[]'")),
    Index("lease_held", "id", postgresql_where=HELD),
    Index("lease_holder", "holder", postgresql_where=HELD),
    Index("lease_secret", "lease", postgresql_where=text("lease is not null")),
    Index("lease_subtree", "id", postgresql_where=text("lease is not null and ended is null and scope = 'subtree'")),
)

ticket = Table(
    "ticket",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("principal", Text, nullable=False),
    Column("session", Text),
    Column("purpose", Text),
    Column("lenient", Boolean, nullable=False),
    Column("resource_ids", ARRAY(Text(collation="C")), nullable=False),
    Column("scope", Text, nullable=False),
    Column("ttl_s", Double, nullable=False),
    Column("wait_s", Double, nullable=False),
    Column("holding", ARRAY(Text), nullable=False),
    moment("queued_at", nullable=False),
    moment("until", nullable=False),
    moment("alive_until", nullable=False),
    Index("ticket_resources", "resource_ids", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    Index("ticket_principal", "principal"),
)

"""Locks: a lease row for each resource, the waiting line, and the token under which a change was made."""

from alembic import op

revision = "0003"
down_revision = "0002"

CHANGES = """
alter table labstow.journal add column token bigint;
drop index labstow.journal_parent;
create index journal_parent on labstow.journal (parent_id, entity_id) where parent_id is not null;
create index journal_granted on labstow.journal (entity_id, at) where noun = 'lock' and what = 'granted';

create table labstow.lease (
    id text collate "C" primary key references labstow.resource (id),
    version integer not null default 0,
    head text not null default '',
    token bigint not null default 0,
    lease text,
    grant_id text collate "C",
    holder text,
    session text,
    purpose text,
    scope text,
    lenient boolean not null default false,
    ttl_s double precision,
    granted_at timestamptz,
    expires_at timestamptz,
    ended text,
    cooling_until timestamptz,
    awaits_operator boolean not null default false,
    line jsonb not null default '[]'
);
insert into labstow.lease (id) select id from labstow.resource;
create index lease_held on labstow.lease (id) where lease is not null and ended is null;
create index lease_holder on labstow.lease (holder) where lease is not null and ended is null;
create index lease_secret on labstow.lease (lease) where lease is not null;
create index lease_subtree on labstow.lease (id) where lease is not null and ended is null and scope = 'subtree';

create table labstow.ticket (
    id text primary key,
    number bigint not null,
    principal text not null,
    session text,
    purpose text,
    lenient boolean not null,
    resource_ids text[] collate "C" not null,
    scope text not null,
    ttl_s double precision not null,
    wait_s double precision not null,
    holding text[] not null,
    queued_at timestamptz not null,
    until timestamptz not null,
    alive_until timestamptz not null
);
create index ticket_resources on labstow.ticket using gin (resource_ids) with (fastupdate = off);
create index ticket_principal on labstow.ticket (principal);
"""


def upgrade() -> None:
    """Adds only. Workers of before make no lease rows, so they must be stopped first."""
    op.execute(CHANGES)

"""Places: locations, what robots can do, patterns, transfers."""

from alembic import op

revision = "0004"
down_revision = "0003"

CHANGES = """
create table labstow.location (
    id text collate "C" primary key,
    name text not null,
    description text,
    representations jsonb not null,
    resource_id text collate "C" references labstow.resource (id),
    resource_template_name text,
    resource_template_overrides jsonb,
    awaits_template boolean not null,
    allow_transfers boolean not null,
    managed_by text not null,
    owner jsonb not null,
    location_template_name text,
    node_bindings jsonb,
    applied jsonb,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    removed_at timestamptz,
    version integer not null,
    head text not null,
    constraint location_removed_is_empty check (removed_at is null or resource_id is null)
);
create unique index location_name on labstow.location (name) where removed_at is null;
create unique index location_resource on labstow.location (resource_id) where resource_id is not null;
create index location_awaits on labstow.location (id) where awaits_template;

create table labstow.setting (
    id text collate "C" primary key,
    capabilities jsonb not null,
    applied jsonb,
    updated_at timestamptz not null,
    version integer not null,
    head text not null
);

create table labstow.pattern (
    id text collate "C" primary key,
    kind text not null,
    name text not null,
    body jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    removed_at timestamptz,
    version integer not null,
    head text not null
);
create unique index pattern_name on labstow.pattern (kind, name) where removed_at is null;

create table labstow.transfer (
    id text collate "C" primary key,
    state text not null,
    resource_id text collate "C" not null references labstow.resource (id),
    node text not null,
    gripper_id text collate "C" not null,
    source jsonb not null,
    target jsonb not null,
    left_at jsonb,
    lease text,
    holder text not null,
    purpose text,
    begun_at timestamptz not null,
    due_at timestamptz not null,
    overdue boolean not null,
    ended_at timestamptz,
    reason text,
    version integer not null,
    head text not null
);
create unique index transfer_open on labstow.transfer (resource_id) where state = 'begun';
create unique index transfer_gripper on labstow.transfer (gripper_id) where state = 'begun';
create index transfer_due on labstow.transfer (due_at) where state = 'begun' and not overdue;
create index transfer_resource on labstow.transfer (resource_id, id);

create table labstow.lab_version (
    one boolean primary key constraint lab_version_is_one check (one),
    version bigint not null
);
insert into labstow.lab_version values (true, 0);
"""


def upgrade() -> None:
    """Adds only. Workers of before do not know what is attached, so they must be stopped first."""
    op.execute(CHANGES)

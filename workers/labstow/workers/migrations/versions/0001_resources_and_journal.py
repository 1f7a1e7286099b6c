"""Resources, the journal, the outbox and stored answers."""

from alembic import op

revision = "0001"
down_revision = None

TABLES = """
create table labstow.resource (
    id text collate "C" primary key,
    name text not null,
    resource_class text not null,
    base_type text not null,
    description text,
    owner jsonb not null,
    attributes jsonb not null,
    parent_id text collate "C",
    position text,
    order_seq bigint,
    rows integer,
    columns integer,
    layers integer,
    one_indexed boolean not null,
    quantity numeric(38, 12),
    capacity numeric(38, 12),
    unit text,
    template_name text,
    template_version integer,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    removed_at timestamptz,
    removal_id text collate "C",
    version integer not null,
    next_seq bigint not null,
    head text not null,
    constraint resource_position unique (parent_id, position) deferrable initially deferred,
    constraint resource_parent foreign key (parent_id) references labstow.resource (id)
        deferrable initially deferred,
    constraint resource_quantity check (quantity >= 0 and quantity <> 'NaN'),
    constraint resource_capacity check (quantity <= capacity and capacity <> 'NaN'),
    constraint resource_not_in_itself check (parent_id <> id)
);
create index resource_order on labstow.resource (parent_id, order_seq) where order_seq is not null;
create index resource_name on labstow.resource (name, resource_class);
create index resource_class on labstow.resource (resource_class, id) where removed_at is null;
create index resource_base_type on labstow.resource (base_type, id) where removed_at is null;
create index resource_attributes on labstow.resource using gin (attributes jsonb_path_ops) where attributes <> '{}';
create index resource_owner on labstow.resource using gin (owner jsonb_path_ops) where owner <> '{}';
create index resource_removal on labstow.resource (removal_id) where removal_id is not null;

create table labstow.journal (
    seq bigint generated always as identity primary key,
    event_id text collate "C" not null,
    noun text not null,
    entity_id text collate "C" not null,
    version integer not null,
    what text not null,
    at timestamptz not null,
    actor text not null,
    via text not null,
    op_id text not null,
    group_id text collate "C",
    reason text,
    trace text,
    parent_id text collate "C",
    changes json not null,
    state json not null,
    prev_hash text not null,
    hash text not null,
    constraint journal_version unique (entity_id, noun, version)
);
create index journal_at on labstow.journal (at);
create index journal_parent on labstow.journal (parent_id, at) where parent_id is not null;

create table labstow.outbox (
    seq bigint primary key references labstow.journal (seq),
    claimed boolean not null default false
);

create table labstow.operation (
    op_id text not null,
    principal text not null,
    digest text not null,
    status integer not null,
    reply text not null,
    at timestamptz not null,
    primary key (op_id, principal)
);
create index operation_at on labstow.operation (at);
"""

APPEND_ONLY = """
create function labstow.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the journal is append-only: % refused', tg_op using errcode = 'insufficient_privilege';
end $$;
create trigger journal_append_only before update or delete or truncate on labstow.journal
    for each statement execute function labstow.refuse_change();
"""


def upgrade() -> None:
    """Make everything; a database that is older than this has nothing of ours."""
    op.execute(TABLES)
    op.execute(APPEND_ONLY)

"""Templates; what pools, restorations and the state at a moment need."""

from alembic import op

revision = "0002"
down_revision = "0001"

CHANGES = """
alter table labstow.resource
    add column pooled boolean not null default false,
    add column removed_from text collate "C";
alter table labstow.resource alter column pooled drop default;
update labstow.resource child set pooled = true
    from labstow.resource pool where pool.id = child.parent_id and pool.base_type = 'pool';
update labstow.resource child set order_seq = 0
    from labstow.resource slot where slot.id = child.parent_id and slot.base_type = 'slot';
update labstow.resource set next_seq = 1 where base_type = 'slot';
create index resource_containers on labstow.resource (parent_id) where base_type in
    ('collection', 'container', 'grid', 'pool', 'queue', 'row', 'slot', 'stack', 'voxel_grid');
create index resource_words on labstow.resource using gin (to_tsvector('simple'::regconfig, regexp_replace(
    name || ' ' || resource_class || ' ' || coalesce(description, ''), '[^[:alnum:]]+', ' ', 'g')));
create index journal_entity_at on labstow.journal (entity_id, at);
create index journal_actor on labstow.journal (actor, seq);

create table labstow.template (
    id text collate "C" primary key,
    name text not null,
    key text not null,
    base_type text not null,
    description text,
    label text,
    tags text[] not null,
    required_overrides text[] not null,
    created_by text,
    resource jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    removed_at timestamptz,
    version integer not null,
    head text not null
);
create unique index template_key on labstow.template (key) where removed_at is null;
"""


def upgrade() -> None:
    """Adds only; nothing that is there changes its meaning."""
    op.execute(CHANGES)

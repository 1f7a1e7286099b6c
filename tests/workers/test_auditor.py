"""The auditor finds every fault there is a check for: each is made with SQL in a laboratory that is in order."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import psycopg
import pytest

from labstow.contracts.placing import Push
from labstow.contracts.resource import Add, NewResource, Remove
from labstow.contracts.template import CreateTemplate
from labstow.contracts.ulids import derived_ulid
from labstow.workers.kit.unit import Unit
from labstow.workers.resource.noun import RESOURCE
from labstow.workers.resource.repository import Repository
from labstow.workers.template.noun import TEMPLATE
from labstow.workers.template.repository import Repository as Templates
from tests.servers import Servers
from tests.workers.auditor import audit
from tests.workers.calls import call, settle
from tests.workers.faults import do_wrong, unguarded


def named(kind: str, name: str, *children: NewResource, **fields: Any) -> NewResource:
    """A thing whose id is made from its name."""
    return NewResource(resource_id=derived_ulid(name), name=name, base_type=kind, children=children, **fields)


LAB: Final = named(
    "container",
    "shelf",
    named(
        "grid", "plate",
        named("resource", "sample", position="A1"),
        named("resource", "other", position="B2"),
        rows=2, columns=3, capacity=3,
    ),
    named("stack", "stack", *(named("resource", f"lid {number}") for number in range(3))),
    named("slot", "slot", named("resource", "tip")),
    named(
        "pool", "mix",
        named("continuous_consumable", "water", position="w", quantity="0.5", unit="mL"),
        named("continuous_consumable", "dye", position="d", quantity=Decimal(3), unit="uL"),
        unit="mL",
    ),
    named("discrete_consumable", "tips", quantity=3, capacity=96),
    named("container", "bin", named("container", "bag", named("resource", "rag"))),
)  # fmt: skip

FAULTS: Final = {
    "holds another number of things than it says": "update resource set quantity = 1 where name = 'plate'",
    "holds more than fits": "update resource set capacity = 1 where name = 'plate'",
    "has no quantity that can be": "update resource set quantity = -1 where name = 'tips'",
    "has no quantity that can be ": "update resource set quantity = 'NaN' where name = 'tips'",
    "has no quantity that can be  ": "update resource set quantity = 0.5 where name = 'tips'",
    "has no quantity that can be   ": "update resource set quantity = 1 where name = 'sample'",
    "holds two things at one position": "update resource set position = 'A1' where name = 'other'",
    "is a slot with two things in it": "update resource set parent_id = :slot, position = '1' where name = 'other'",
    "is in what does not exist": "update resource set parent_id = 'nowhere' where name = 'sample'",
    "can hold nothing": "update resource set parent_id = :tip where name = 'sample'",
    "was not removed with what it is in": "update resource set removed_at = null, removal_id = null where name = 'bag'",
    "was not removed with what it is in ": "update resource set removed_at = now(), removal_id = '' where name = 'mix'",
    "is one of several, or none": "update resource set parent_id = :shelf where name = 'bin'",
    "is half removed": "update resource set removal_id = null where name = 'rag'",
    "is in itself": "update resource set parent_id = :plate where name = 'shelf'",
    "is nested too deep": """
        insert into resource (id, parent_id, name, resource_class, base_type, owner, attributes, pooled, one_indexed,
                              quantity, created_at, updated_at, version, next_seq, head)
        select n::text, case when n = 1 then :shelf else (n - 1)::text end, n::text, '', 'container', '{}', '{}', false,
               true, 1, now(), now(), 1, 0, '' from generate_series(1, 32) n""",
    "has the place in line of another": "update resource set order_seq = 1 where name = 'lid 0'",
    "has a place in line where there is none": "update resource set order_seq = 1 where name = 'sample'",
    "none where there is one": "update resource set order_seq = null where name = 'lid 0'",
    "that was not given out yet": "update resource set next_seq = 2 where name = 'stack'",
    "is said to be in a pool wrongly": "update resource set pooled = false where name = 'dye'",
    "is said to be in a pool wrongly ": "update resource set pooled = true where name = 'tip'",
    "has another number of journal entries": "update resource set version = 5 where name = 'plate'",
    "has another number of journal entries ": "delete from journal where entity_id = :stack and version = 1",
    "has a gap in its versions": "update journal set version = 9 where entity_id = :stack and version = 2",
    "does not have the hash": "update resource set head = 'x' where name = 'plate'",
    "does not have the hash ": "update template set head = 'x'",
    "has journal entries and does not exist": "delete from resource where name = 'rag'",
    "was never written": "insert into outbox (seq) values (1000000)",
    "was executed twice": """
        update journal set at = now(), op_id = (select op_id from journal where entity_id = :shelf limit 1)
        where entity_id = :stack and version = 2""",
    "was refused and yet executed": "update operation set status = 409",
    "is an event id of two entries": "update journal set event_id = 'x'",
    "is the name of two templates": """
        insert into template select 'x', upper(name), 'x', base_type, description, label, tags, required_overrides,
            created_by, resource, created_at, updated_at, removed_at, version, head from template""",
    "cannot be read": "update resource set owner = '[]' where name = 'sample'",
    "is at a position there is not": "update resource set position = 'C1' where name = 'sample'",
    "is at a position there is not ": "update resource set position = 'a1' where name = 'sample'",
    "is at a position there is not  ": "update resource set position = null where name = 'sample'",
    "does not convert to its unit": "update resource set unit = 'g' where name = 'dye'",
    "holds another amount than it says": "update resource set quantity = 4 where name = 'dye'",
    "was altered": "update journal set actor = 'somebody else' where entity_id = :plate",
    "was altered ": """
        update journal set state = replace(state::text, '"lid 1"', '"lid one"')::json where entity_id = :lid""",
    "does not follow the one before it": "update journal set prev_hash = 'x' where entity_id = :stack and version = 2",
    "does not say what changed": "update journal set changes = '{}' where entity_id = :stack and version = 2",
    "does not say what changed ": "update journal set parent_id = null where entity_id = :plate",
    "is not what its newest entry says": "update resource set name = 'renamed' where name = 'plate'",
}  # fmt: skip
"""What the auditor must say, and what it is to say it about."""
NAMES: Final = {name: derived_ulid(name) for name in ("shelf", "slot", "tip", "plate", "stack")} | {
    "lid": derived_ulid("lid 1")
}


@pytest.fixture(scope="module")
async def inspected(servers: Servers, migrated: str) -> Any:
    """A database in which everything is in order, with one of each."""
    with servers.database(template=migrated) as url:
        unit, templates = Unit(url, RESOURCE, Repository()), Unit(url, TEMPLATE, Templates())
        await settle(unit, call(Add(resource=LAB), "a repeatable operation"))
        late = Push(container_id=derived_ulid("stack"), resource=named("resource", "late"))
        await settle(unit, call(late), call(Remove(resource_id=derived_ulid("bin"))))
        await settle(templates, call(CreateTemplate(name="Flask", resource=named("container", "flask"))))
        await unit.close()
        await templates.close()
        yield url


@pytest.fixture
def broken(inspected: str) -> Iterator[psycopg.Connection[Any]]:
    with unguarded(inspected) as connection:
        yield connection


def test_a_laboratory_in_order_has_no_findings(broken: psycopg.Connection[Any]) -> None:
    assert audit(broken) == []


@pytest.mark.parametrize("finding", FAULTS)
def test_a_fault_is_found(broken: psycopg.Connection[Any], finding: str) -> None:
    """I38, as far as it is one of the journal."""
    do_wrong(broken, FAULTS[finding], NAMES)
    found = audit(broken)
    assert any(finding.strip() in each for each in found), found

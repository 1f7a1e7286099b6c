"""One example of every message, as JSON."""

from typing import Any, Final

from labstow.contracts import (
    batch,
    events,
    history,
    lock,
    placing,
    quantities,
    queries,
    resource,
    service,
    template,
)
from labstow.contracts.message import Message
from tests.contracts.place_examples import PLACE_EXAMPLES

PLATE_ID: Final = "01M7ZQPJ4RNK3G1KAYMQFFSG2C"
SAMPLE_ID: Final = "01M7ZQPJ4RNK3G1KAYMQFFSG2D"
NOW: Final = "2026-11-21T09:30:00Z"

CHANGE: Final = {"before": None, "after": "A1"}
SAMPLE: Final[dict[str, Any]] = {
    "resource_id": SAMPLE_ID, "name": "sample 7", "resource_class": "serum", "base_type": "continuous_consumable",
    "description": None, "owner": {"project": "p53"}, "attributes": {"lot": 12}, "parent_id": PLATE_ID,
    "position": "A1", "order": None, "index": [0, 0],
    "rows": None, "columns": None, "layers": None, "one_indexed": True,
    "quantity": "0.1", "capacity": "0.2", "unit": "mL", "template_name": None, "template_version": None,
    "created_at": NOW, "updated_at": NOW, "removed_at": None, "removal_id": None, "version": 2,
}  # fmt: skip
NEW_SAMPLE: Final[dict[str, Any]] = {
    "resource_id": SAMPLE_ID, "name": "sample 7", "base_type": "continuous_consumable", "position": [0, 0],
    "quantity": 0.1, "unit": "mL",
}  # fmt: skip
NEW_PLATE: Final[dict[str, Any]] = {
    "resource_id": PLATE_ID, "name": "plate 1", "base_type": "grid", "rows": 8, "columns": 12, "children": [NEW_SAMPLE],
}  # fmt: skip
ENTRY: Final[dict[str, Any]] = {
    "seq": 7, "event_id": PLATE_ID, "noun": "resource", "entity_id": SAMPLE_ID, "version": 2, "what": "placed",
    "at": NOW, "actor": "ann", "via": "nats", "op_id": PLATE_ID, "group_id": None, "reason": None,
    "parent_id": PLATE_ID, "changes": {"position": CHANGE}, "state": SAMPLE, "prev_hash": "", "hash": "a" * 64,
}  # fmt: skip
RACK_ID: Final = "01M7ZQPJ4RNK3G1KAYMQFFSG2E"
RACK: Final[dict[str, Any]] = SAMPLE | {
    "resource_id": RACK_ID, "name": "rack 1", "resource_class": "rack", "base_type": "row", "parent_id": None,
    "position": None, "index": None, "columns": 24, "quantity": "1", "capacity": None, "unit": None,
}  # fmt: skip
TEMPLATE: Final[dict[str, Any]] = {
    "template_id": PLATE_ID, "name": "Plate 96", "description": None, "label": "1.0.0", "tags": ["plate"],
    "required_overrides": ["attributes.lot"], "created_by": "ann", "resource": {"base_type": "grid"},
    "created_at": NOW, "updated_at": NOW, "removed_at": None, "version": 1,
}  # fmt: skip
BRANCH: Final[dict[str, Any]] = {
    "resource_id": SAMPLE_ID, "name": "sample 7", "resource_class": "serum", "base_type": "continuous_consumable",
    "position": "A1", "order": None, "index": [0, 0], "quantity": "0.1", "capacity": None, "unit": "mL", "children": [],
}  # fmt: skip
STEP: Final[dict[str, Any]] = {"resource_id": RACK_ID, "name": "rack 1", "base_type": "row", "position": None}
SPACE: Final[dict[str, Any]] = {
    "container_id": RACK_ID, "name": "rack 1", "base_type": "row", "free": 23, "positions": ["2", "3"],
}  # fmt: skip
DIFFERENCE: Final[dict[str, Any]] = {
    "resource_id": SAMPLE_ID, "name": "sample 7", "what": "changed", "changes": {"position": CHANGE},
}  # fmt: skip
INSTANCE: Final[dict[str, Any]] = {
    "resource_id": PLATE_ID, "name": "plate 8", "overrides": {"attributes": {"lot": "L-13"}}, "parent_id": RACK_ID,
    "position": 0,
}  # fmt: skip
LEASE_ID: Final = "4F9VY0W7Q3M1KAYMQFFSG2CZ8E"
TICKET: Final = "2B7XJ3N5T8V4HPD6RWKE9CGM0A"
GRANTED: Final[dict[str, Any]] = {
    "state": "granted", "resource_ids": [PLATE_ID, RACK_ID], "at": NOW, "lease_id": LEASE_ID,
    "tokens": {PLATE_ID: 2**32 + 8, RACK_ID: 2**32 + 1}, "expires_at": NOW, "expires_in_ms": 60_000,
    "ticket": None, "position": None, "poll_within_s": None,
}  # fmt: skip
WAITER: Final[dict[str, Any]] = {"holder": "bob", "session": None, "purpose": None, "since": NOW}
LOCK: Final[dict[str, Any]] = {
    "resource_id": PLATE_ID, "state": "held", "token": 2**32 + 8, "holder": "ann", "session": "arm 1",
    "purpose": "transfer", "scope": "subtree", "granted_at": NOW, "expires_at": NOW, "expires_in_ms": 59_000,
    "cooling_ms": None, "waiters": 1, "line": [WAITER],
}  # fmt: skip
LEASE: Final[dict[str, Any]] = {
    "grant_id": SAMPLE_ID, "holder": "ann", "session": "arm 1", "purpose": "transfer", "scope": "self",
    "resource_ids": [PLATE_ID, RACK_ID], "granted_at": NOW, "expires_at": NOW, "expires_in_ms": 59_000,
}  # fmt: skip
SHARE: Final[dict[str, Any]] = {"resource_id": PLATE_ID, "holder": "ann", "grants": 3, "held_s": 1234.5}

EXAMPLES: Final[dict[type[Message], dict[str, Any]]] = {
    events.Change: CHANGE,
    events.EventData: {"changes": {"position": CHANGE}, "state": SAMPLE},
    events.Event: {
        "specversion": "1.0", "id": PLATE_ID, "source": "/labstow", "type": "labstow.resource.placed.v1",
        "subject": SAMPLE_ID, "time": NOW, "datacontenttype": "application/json", "version": 2, "seq": 7,
        "actor": "ann", "via": "rest", "opid": PLATE_ID, "groupid": None, "reason": None, "traceparent": None,
        "data": {"changes": {"position": CHANGE}, "state": SAMPLE},
    },
    history.Entry: ENTRY,
    history.Entries: {"entries": [ENTRY], "previous": 7},
    history.QueryHistory: {"entity_id": SAMPLE_ID, "since": "2026-11-21T10:30:00+01:00", "limit": 10},
    resource.Resource: SAMPLE | {"children": []},
    resource.NewResource: NEW_PLATE,
    resource.Patch: {"attributes": {"lot": None, "opened": NOW}, "quantity": "0.05"},
    resource.Add: {"resource": NEW_PLATE, "parent_id": None},
    resource.Init: {"resource": {"name": "deck", "base_type": "container"}},
    resource.Upsert: {"resource": NEW_SAMPLE, "parent_id": PLATE_ID},
    resource.Update: {"resource_id": SAMPLE_ID, "changes": {"quantity": 0.05}, "expected_version": 2},
    resource.Replace: {"resource": NEW_PLATE},
    resource.Remove: {"resource_id": PLATE_ID, "expected_version": 3, "reason": "used up"},
    resource.Restore: {"resource_id": SAMPLE_ID, "reason": "not empty after all"},
    resource.Restored: {"resource": SAMPLE, "restored": 1, "refused": None},
    placing.Placement: {"resource": SAMPLE, "container": RACK, "source": None, "evicted": None},
    placing.Place: {"container_id": PLATE_ID, "resource": NEW_SAMPLE, "replace": True, "expected_version": 3},
    placing.Take: {"container_id": PLATE_ID, "position": "A1"},
    placing.Push: {"container_id": RACK_ID, "resource": {"resource_id": SAMPLE_ID}, "move": True},
    placing.Pop: {"container_id": RACK_ID},
    placing.Move: {"resource_id": SAMPLE_ID, "container_id": RACK_ID, "position": 2, "source_id": PLATE_ID},
    placing.Swapped: {"resource": SAMPLE, "other": RACK},
    placing.Swap: {"resource_id": SAMPLE_ID, "other_id": RACK_ID},
    placing.Empty: {"resource_id": PLATE_ID, "expected_version": 3},
    quantities.SetQuantity: {"resource_id": SAMPLE_ID, "quantity": "0.1", "unit": "mL"},
    quantities.ChangeQuantity: {"resource_id": SAMPLE_ID, "by": "-0.05"},
    quantities.IncreaseQuantity: {"resource_id": SAMPLE_ID, "amount": 0.05},
    quantities.DecreaseQuantity: {"resource_id": SAMPLE_ID, "amount": "50", "unit": "uL"},
    quantities.Fill: {"resource_id": SAMPLE_ID},
    quantities.SetCapacity: {"resource_id": SAMPLE_ID, "capacity": "0.2"},
    quantities.ClearCapacity: {"resource_id": SAMPLE_ID, "expected_version": 2},
    batch.Batch: {
        "steps": [
            {"verb": "decrease-quantity", "command": {"resource_id": SAMPLE_ID, "amount": "0.05"}},
            {"verb": "move", "command": {"resource_id": SAMPLE_ID, "container_id": RACK_ID, "position": "3"}},
            {"verb": "instantiate", "command": {"template": "Plate 96", "instances": [INSTANCE]}},
        ],
        "reason": "run 12",
    },
    batch.Batched: {"answers": [SAMPLE]},
    template.Template: TEMPLATE,
    template.CreateTemplate: {"name": "Plate 96", "resource": NEW_PLATE, "required_overrides": ["attributes.lot"]},
    template.TemplatePatch: {"tags": ["plate", "pcr"], "resource": {"attributes": {"lot": None}}},
    template.UpdateTemplate: {"name": "plate 96", "changes": {"label": "1.1.0"}, "expected_version": 1},
    template.RemoveTemplate: {"name": "Plate 96", "reason": "not sold any more"},
    template.GetTemplate: {"name": "Plate 96", "version": 1},
    template.Templates: {"templates": [TEMPLATE], "next": None},
    template.ListTemplates: {"base_type": "container", "tags": ["plate"], "limit": 10},
    template.Categories: {"categories": {"container": ["Plate 96"], "grid": ["Plate 96"]}},
    template.GetCategories: {},
    template.Instance: INSTANCE,
    template.Instantiated: {"resources": [SAMPLE]},
    template.Instantiate: {"template": "Plate 96", "version": 1, "instances": [INSTANCE], "attach": True},
    lock.Standing: GRANTED,
    lock.Acquire: {
        "resource_ids": [PLATE_ID, RACK_ID], "ttl_s": 60, "wait_s": 2.5, "scope": "subtree", "purpose": "transfer",
        "session": "arm 1",
    },
    lock.Await: {"ticket": TICKET},
    lock.Cancelled: {"state": "granted", "lease": GRANTED},
    lock.Cancel: {"ticket": TICKET},
    lock.Renew: {"lease_id": LEASE_ID, "ttl_s": 30},
    lock.Released: {"resource_ids": [RACK_ID], "at": NOW},
    lock.Release: {"lease_id": LEASE_ID, "resource_ids": [RACK_ID]},
    lock.Waiter: WAITER,
    lock.Lock: LOCK,
    lock.Locks: {"locks": [LOCK], "at": NOW},
    lock.Status: {"resource_ids": [PLATE_ID]},
    lock.Lease: LEASE,
    lock.Leases: {"leases": [LEASE], "at": NOW, "next": None},
    lock.ListLeases: {"holder": "ann", "older_than_s": 600, "limit": 10},
    lock.Broken: {"resource_ids": [PLATE_ID, RACK_ID], "tokens": {PLATE_ID: 2**32 + 9}, "holder": "ann", "at": NOW},
    lock.Break: {"resource_id": PLATE_ID, "reason": "the arm is switched off"},
    lock.Share: SHARE,
    lock.Usage: {"since": NOW, "until": NOW, "shares": [SHARE]},
    lock.ReadUsage: {"since": NOW, "resource_ids": [PLATE_ID], "holder": "ann"},
    history.At: {"entity_id": SAMPLE_ID, "at": NOW},
    history.Difference: DIFFERENCE,
    history.Differences: {"since": NOW, "until": NOW, "differences": [DIFFERENCE]},
    history.Diff: {"resource_id": PLATE_ID, "since": NOW},
    queries.Get: {"resource_id": PLATE_ID, "children": False},
    queries.Branch: BRANCH,
    queries.GetTree: {"resource_id": PLATE_ID, "as_of": NOW},
    queries.Step: STEP,
    queries.Whereabouts: {"resource_id": SAMPLE_ID, "path": [STEP], "words": "rack 1 / 3", "location": "storage"},
    queries.Where: {"resource_id": SAMPLE_ID},
    queries.Space: SPACE,
    queries.Spaces: {"spaces": [SPACE], "enough": True},
    queries.FindFree: {"within_id": RACK_ID, "base_type": "container", "count": 2, "together": True},
    queries.Page: {"resources": [SAMPLE], "next": None, "count": None},
    queries.Find: {"base_type": "container", "owner": {"project": "p53"}, "removed": None, "limit": 10},
    queries.Hierarchy: {
        "resource_id": PLATE_ID, "ancestor_ids": [], "descendant_ids": {PLATE_ID: [SAMPLE_ID]},
    },
    queries.GetHierarchy: {"resource_id": PLATE_ID},
    service.Readiness: {"ready": True, "schema_revision": "0001"},
    service.Ready: {},
    **PLACE_EXAMPLES,
}  # fmt: skip

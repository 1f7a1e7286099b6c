"""One example of every message, as JSON."""

from typing import Any, Final

from labstow.contracts import events, history, resource, service
from labstow.contracts.message import Message

PLATE_ID: Final = "01M7ZQPJ4RNK3G1KAYMQFFSG2C"
SAMPLE_ID: Final = "01M7ZQPJ4RNK3G1KAYMQFFSG2D"
NOW: Final = "2026-11-21T09:30:00Z"

CHANGE: Final = {"before": None, "after": "A1"}
SAMPLE: Final[dict[str, Any]] = {
    "resource_id": SAMPLE_ID, "name": "sample 7", "resource_class": "serum", "base_type": "continuous_consumable",
    "description": None, "owner": {"project": "p53"}, "attributes": {"lot": 12}, "parent_id": PLATE_ID,
    "position": "A1", "index": [0, 0], "rows": None, "columns": None, "layers": None, "one_indexed": True,
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
    resource.Get: {"resource_id": PLATE_ID, "children": False},
    resource.Page: {"resources": [SAMPLE], "next": None},
    resource.Find: {"base_type": "container", "owner": {"project": "p53"}, "removed": None, "limit": 10},
    resource.Hierarchy: {
        "resource_id": PLATE_ID, "ancestor_ids": [], "descendant_ids": {PLATE_ID: [SAMPLE_ID]},
    },
    resource.GetHierarchy: {"resource_id": PLATE_ID},
    service.Readiness: {"ready": True, "schema_revision": "0001"},
    service.Ready: {},
}  # fmt: skip

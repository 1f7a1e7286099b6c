"""One example of every message about places and transfers, as JSON."""

from typing import Any, Final

from labstow.contracts import capabilities, lab_file, location, node, pattern, transfer
from labstow.contracts.message import Message

NEST_ID: Final = "01M7ZQPJ4RNK3G1KAYMQFFSG3A"
PLATE_ID: Final = "01M7ZQPJ4RNK3G1KAYMQFFSG3B"
PLACE_ID: Final = "01M7ZQPJ4RNK3G1KAYMQFFSG3C"
OTHER_ID: Final = "01M7ZQPJ4RNK3G1KAYMQFFSG3D"
NOW: Final = "2026-11-21T09:30:00Z"

MOVE: Final[dict[str, Any]] = {
    "node_name": "robotarm_1", "action": "transfer", "source_argument_name": "from", "target_argument_name": "to",
    "cost_weight": "0.8", "additional_args": {"speed": "slow"}, "additional_location_args": {"waste": "bin"},
}  # fmt: skip
OVERRIDES: Final[dict[str, Any]] = {
    "source_overrides": {"storage": [MOVE]}, "target_overrides": None,
    "pair_overrides": {"storage": {"reader": [MOVE]}},
}  # fmt: skip
COSTS: Final[dict[str, Any]] = {
    "enabled": True, "high_capacity_threshold": "0.75", "full_capacity_threshold": 1, "high_capacity_multiplier": 2,
    "full_capacity_multiplier": 5,
}  # fmt: skip
CAPABILITIES: Final[dict[str, Any]] = {
    "transfer_templates": [MOVE], "override_transfer_templates": OVERRIDES, "capacity_cost_config": COSTS,
    "linked": [["deck_1", "deck_1_rotated"]], "exclusive": [["deck_1", "reader"]],
}  # fmt: skip
RESERVATION: Final = {"transfer_id": OTHER_ID, "owned_by": "ann", "created": NOW, "expires": NOW}
LOCATION: Final[dict[str, Any]] = {
    "location_id": PLACE_ID, "name": "storage", "description": None, "representations": {"robotarm_1": [1, 2, None]},
    "resource_id": NEST_ID, "resource_template_name": None, "resource_template_overrides": None,
    "awaits_template": False, "allow_transfers": True, "managed_by": "lab", "owner": {}, "location_template_name": None,
    "node_bindings": None, "created_at": NOW, "updated_at": NOW, "removed_at": None, "version": 3,
    "reservation": RESERVATION,
}  # fmt: skip
NEW: Final[dict[str, Any]] = {
    "name": "storage", "representations": {"robotarm_1": None}, "resource_template_name": "rack",
    "resource_template_overrides": {"capacity": 96}, "owner": {"user_id": "ann"},
}  # fmt: skip
PATCH: Final[dict[str, Any]] = {"description": None, "representations": {"belt": {"station": 3}}}
STEP: Final[dict[str, Any]] = {
    "node": "robotarm_1", "action": "transfer", "source_id": PLACE_ID, "source": "storage", "target_id": OTHER_ID,
    "target": "reader", "args": {"speed": "slow"}, "locations": {"from": "storage", "to": "reader"}, "cost": "1.6",
    "base_cost": "0.8", "multiplier": "2", "level": "pair", "reason": "only robotarm_1 transfer (0.8) can",
}  # fmt: skip
WAY: Final[dict[str, Any]] = {"cost": "1.6", "steps": [STEP]}
FAN: Final[dict[str, Any]] = {
    "source_id": PLACE_ID, "target_ids": [OTHER_ID], "nodes": ["robotarm_1"], "cost": "0.8", "level": "default",
}  # fmt: skip
FINDING: Final[dict[str, Any]] = {"code": "node.busy", "sentence": "robotarm_1 has something", "facts": {"node": "arm"}}
ERRAND: Final[dict[str, Any]] = {"resource_id": PLATE_ID, "target": "reader", "node": "robotarm_1"}
HERE: Final[dict[str, Any]] = {"container_id": NEST_ID, "position": "A1", "location_id": PLACE_ID}
TRANSFER: Final[dict[str, Any]] = {
    "transfer_id": OTHER_ID, "state": "begun", "resource_id": PLATE_ID, "node": "robotarm_1", "gripper_id": NEST_ID,
    "source": HERE, "target": HERE, "left_at": None, "holder": "ann", "purpose": "read it", "begun_at": NOW,
    "due_at": NOW, "overdue": False, "ended_at": None, "reason": None, "lease_id": OTHER_ID, "tokens": {PLATE_ID: 4},
    "version": 1,
}  # fmt: skip
SEEN: Final[dict[str, Any]] = {"node": "robotarm_1", "until": NOW, "about": {"ip": "10.0.0.7"}}
KNOWN: Final[dict[str, Any]] = {
    "template_id": PLACE_ID, "name": "deck access", "description": None, "default_values": {"grip": "soft"},
    "schema_def": {"type": "object"}, "required_overrides": ["position"], "tags": ["arm"], "created_by": "ann",
    "label": "1.0.0", "created_at": NOW, "updated_at": NOW, "removed_at": None, "version": 1,
}  # fmt: skip
NEW_KNOWN: Final[dict[str, Any]] = {"name": "deck access", "default_values": {"grip": "soft"}}
KIND: Final[dict[str, Any]] = {
    "template_id": PLACE_ID, "name": "deck slot", "description": None, "resource_template_name": "nest",
    "resource_template_overrides": None, "representation_templates": {"arm": "deck access"},
    "default_allow_transfers": True, "tags": [], "created_by": None, "label": "1.0.0", "created_at": NOW,
    "updated_at": NOW, "removed_at": None, "version": 1,
}  # fmt: skip
NEW_KIND: Final[dict[str, Any]] = {"name": "deck slot", "representation_templates": {"arm": "deck access"}}
ENTRY: Final[dict[str, Any]] = {"location_name": "storage", "representations": {"robotarm_1": {"x": 1}}}
PLACES: Final[dict[str, Any]] = {"locations": [ENTRY], "transfer_capabilities": CAPABILITIES}
DIFFERENCE: Final[dict[str, Any]] = {
    "path": "locations.storage.description", "live": None, "file": "the rack", "action": "add", "sentence": "is new",
}  # fmt: skip

PLACE_EXAMPLES: Final[dict[type[Message], dict[str, Any]]] = {
    capabilities.TransferTemplate: MOVE,
    capabilities.Overrides: OVERRIDES,
    capabilities.CapacityCosts: COSTS,
    capabilities.Capabilities: CAPABILITIES,
    location.Reservation: RESERVATION,
    location.Location: LOCATION,
    location.NewLocation: NEW,
    location.AddLocation: {"location": NEW},
    location.InitLocation: {"location": NEW},
    location.LocationPatch: PATCH,
    location.UpdateLocation: {"location": "storage", "changes": PATCH, "expected_version": 3},
    location.RemoveLocation: {"location": PLACE_ID, "reason": "rebuilt"},
    location.Represent: {"location": "storage", "node": "robotarm_1", "representation": None},
    location.Unrepresent: {"location": "storage", "node": "robotarm_1"},
    location.Attach: {"location": "storage", "resource_id": NEST_ID},
    location.Detach: {"location": "storage"},
    location.GetLocation: {"location": "storage", "by": "name", "as_of": NOW},
    location.Locations: {"locations": [LOCATION], "next": None},
    location.ListLocations: {"managed_by": "lab", "node": "robotarm_1", "limit": 10, "after": "a"},
    location.Contents: {
        "location_id": PLACE_ID, "name": "storage", "resource_id": NEST_ID, "ancestor_ids": [],
        "descendant_ids": {NEST_ID: [PLATE_ID]},
    },
    location.GetContents: {"location": "storage"},
    transfer.Step: STEP,
    transfer.Way: WAY,
    transfer.Plan: {
        "lab_version": 7, "at": NOW, "source_id": PLACE_ID, "source": "storage", "target_id": OTHER_ID,
        "target": "reader", "resource_id": None, "ways": [WAY],
    },
    transfer.PlanTransfer: {"resource_id": PLATE_ID, "free_in_class": "nest", "k": 2, "avoid": ["a"], "nodes": ["arm"]},
    transfer.Fan: FAN,
    transfer.Graph: {"lab_version": 7, "names": {PLACE_ID: "storage", OTHER_ID: "reader"}, "edges": [FAN]},
    transfer.GetGraph: {"unless": 6},
    transfer.Picture: {"svg": "<svg/>"},
    transfer.GetGraphPicture: {"source": "storage", "target": "reader"},
    transfer.Configuration: {"capabilities": CAPABILITIES, "version": 2},
    transfer.GetConfiguration: {},
    transfer.Configure: {"capabilities": CAPABILITIES, "expected_version": 0},
    transfer.Finding: FINDING,
    transfer.Findings: {"ok": False, "findings": [FINDING], "at": NOW},
    transfer.Errand: ERRAND,
    transfer.CheckTransfer: {"errand": ERRAND, "present": True},
    transfer.Spot: HERE,
    transfer.Transfer: TRANSFER,
    transfer.BeginTransfer: {"errand": ERRAND, "due_s": 60, "purpose": "read it"},
    transfer.CompleteTransfer: {"transfer_id": OTHER_ID, "position": "A2"},
    transfer.AbortTransfer: {"transfer_id": OTHER_ID, "left": "source", "reason": "dropped"},
    transfer.GetTransfer: {"transfer_id": OTHER_ID},
    transfer.Transfers: {"transfers": [TRANSFER], "next": None},
    transfer.ListTransfers: {"state": "begun", "node": "robotarm_1", "limit": 10},
    node.Beat: {"node": "robotarm_1", "until": NOW},
    node.HeartBeat: {"node": "robotarm_1", "for_s": 20, "about": {"ip": "10.0.0.7"}},
    node.Present: SEEN,
    node.Nodes: {"nodes": [SEEN]},
    node.ListNodes: {},
    pattern.RepresentationTemplate: KNOWN,
    pattern.NewRepresentationTemplate: NEW_KNOWN,
    pattern.LocationTemplate: KIND,
    pattern.NewLocationTemplate: NEW_KIND,
    pattern.CreateRepresentationTemplate: {"template": NEW_KNOWN, "init": True},
    pattern.GetRepresentationTemplate: {"name": "deck access"},
    pattern.RepresentationTemplates: {"templates": [KNOWN]},
    pattern.ListRepresentationTemplates: {},
    pattern.RemoveRepresentationTemplate: {"name": "deck access"},
    pattern.CreateLocationTemplate: {"template": NEW_KIND},
    pattern.GetLocationTemplate: {"name": "deck slot"},
    pattern.LocationTemplates: {"templates": [KIND]},
    pattern.ListLocationTemplates: {},
    pattern.RemoveLocationTemplate: {"name": "deck slot"},
    pattern.AddFromTemplate: {
        "name": "deck_1", "template": "deck slot", "node_bindings": {"arm": "robotarm_1"},
        "representation_overrides": {"arm": {"position": [1, 2]}},
    },
    lab_file.PlaceEntry: ENTRY,
    lab_file.Places: PLACES,
    lab_file.Difference: DIFFERENCE,
    lab_file.Applied: {"differences": [DIFFERENCE], "changed": 1, "lab_version": 8},
    lab_file.ApplyLab: {"places": PLACES, "dry_run": True},
    lab_file.Exported: {"places": PLACES, "lab_version": 8},
    lab_file.ExportLab: {},
    lab_file.TemplateEntry: {"name": "rack", "resource": {"name": "rack", "base_type": "row", "columns": 24}},
    lab_file.LabFile: PLACES | {"manager_id": "lab 1", "resource_templates": []},
}  # fmt: skip

"""How labstow says no to what is about places and transfers; the rest is in `errors`.

Refusal
├── NoTransfers          400     location.no_transfers
├── NotFound             404
│   ├── NoLocation               location.not_found
│   ├── NoRepresentation         representation.not_found
│   ├── NothingAttached          location.nothing_attached
│   ├── NoPattern                pattern.not_found
│   ├── NoPath                   transfer.no_path
│   ├── AtNoLocation             resource.at_no_location
│   └── NoTransfer               transfer.not_found
├── Conflict             409
│   ├── LocationExists           location.exists
│   ├── PatternExists            pattern.exists
│   ├── AttachedElsewhere        resource.attached
│   ├── OtherAttached            location.occupied
│   ├── StillAttached            location.attached
│   ├── StillNamed               location.named
│   ├── Reserved                 location.reserved
│   ├── UnderWay                 resource.under_way
│   ├── Hindered                 transfer.hindered
│   ├── TransferOver             transfer.over
│   ├── NotInGripper             transfer.not_in_gripper
│   ├── InGripper                resource.in_gripper
│   └── NotAtSource              resource.not_at_source
├── Invalid              422
│   └── Unbound                  pattern.unbound
└── Unavailable          503
    └── PresenceUnknown          node.presence_unknown
"""

from labstow.contracts.errors import Conflict, Invalid, NotFound, Refusal, Unavailable


class NoTransfers(Refusal):
    """Nothing is brought to this location or taken from it by a transfer."""

    code, status, sentence = "location.no_transfers", 400, "Location '{name}' does not allow transfers"


class NoLocation(NotFound):
    """There is no location of this id, or this name."""

    code, sentence = "location.not_found", "Location with {by} '{key}' not found"


class NoRepresentation(NotFound):
    """The node was not taught this location."""

    code = "representation.not_found"
    sentence = "Representation for node '{node}' not found in location {location}"


class NothingAttached(NotFound):
    """There is nothing to detach."""

    code, sentence = "location.nothing_attached", "No resource attached to location {location}"


class NoPattern(NotFound):
    """There is no representation template, or location template, of this name."""

    code, sentence = "pattern.not_found", "{kind} '{name}' not found"


class NoPath(NotFound):
    """There is no way; `why_not` says why."""

    code, sentence = "transfer.no_path", "No transfer path exists from '{source}' to '{target}'"


class AtNoLocation(NotFound):
    """A resource is at no location, nor is anything that it is in."""

    code = "resource.at_no_location"
    sentence = "{name} is at no location: attach what it is in to one, or name a location"


class NoTransfer(NotFound):
    """There is no transfer of this id."""

    code, sentence = "transfer.not_found", "there is no transfer {transfer_id}"


class LocationExists(Conflict):
    """The name, or the id, is taken."""

    code, sentence = "location.exists", "Location with {by} '{key}' already exists"


class PatternExists(Conflict):
    """The name is taken."""

    code, sentence = "pattern.exists", "{kind} '{name}' already exists"


class AttachedElsewhere(Conflict):
    """A resource is at one location at most."""

    code = "resource.attached"
    sentence = "{name} is attached to location '{location}': detach it there first"


class OtherAttached(Conflict):
    """A location has one resource at most."""

    code = "location.occupied"
    sentence = "location '{location}' has {name} attached: detach it first"


class StillAttached(Conflict):
    """What would be removed is attached."""

    code = "location.attached"
    sentence = "location '{location}' has {name} attached: detach it first"


class StillNamed(Conflict):
    """What the robots can do calls the location by the name that it would lose."""

    code = "location.named"
    sentence = (
        "location '{location}' is called by this name at {where} of the transfer capabilities: write its id "
        "{location_id} there instead, then give it another name"
    )


class Reserved(Conflict):
    """A transfer is under way there."""

    code = "location.reserved"
    sentence = "transfer {transfer_id} of {holder} is under way at location '{location}'"


class UnderWay(Conflict):
    """A gripper has it: where it goes is for the transfer to say."""

    code = "resource.under_way"
    sentence = "{name} is in the gripper of {node}: {holder} completes or aborts transfer {transfer_id} first"


class Hindered(Conflict):
    """The transfer cannot begin; `findings` are those of a check."""

    code, sentence = "transfer.hindered", "{summary}"


class TransferOver(Conflict):
    """It was completed or aborted before."""

    code, sentence = "transfer.over", "transfer {transfer_id} was {state} at {ended_at}"


class NotInGripper(Conflict):
    """Somebody took the thing out of the gripper meanwhile, or removed it."""

    code = "transfer.not_in_gripper"
    sentence = "{name} was {how}: abort the transfer, and it stays so"


class InGripper(Conflict):
    """It was left in a gripper, or what it is in was: where that is, nobody knows."""

    code = "resource.in_gripper"
    sentence = "{name} is in the gripper of {node}: begin a transfer with {node}, or put it somewhere"


class NotAtSource(Conflict):
    """What is to be moved is somewhere else than the plan begins."""

    code = "resource.not_at_source"
    sentence = "{name} is at location '{location}', not at '{source}'"


class Unbound(Invalid):
    """A role without a node, or a representation without a value that it must have or fit."""

    code, sentence = "pattern.unbound", "{summary}"


class PresenceUnknown(Unavailable):
    """Redis, where heartbeats are kept, does not answer."""

    code, sentence = "node.presence_unknown", "which nodes are there is not known right now: {reason}"

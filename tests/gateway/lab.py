"""A laboratory that exists only in the answers a test writes down, and takes only what workers take."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from labstow.client import Bus, Reply
from labstow.client.bus import BUDGET, PATIENCE
from labstow.contracts import batch, history, lab_file, location, lock, node, pattern, queries, template, transfer
from labstow.contracts.errors import Invalid, NoWorker, Refusal

Json = dict[str, Any]
Worker = Callable[[Json], Json]

PLACES = (location, pattern, transfer, lab_file)
COMMANDS = (command for noun in (batch, template, lock, *PLACES) for command in noun.COMMANDS)
QUERIES = (query for noun in (queries, template, history, lock, *PLACES, node) for query in noun.QUERIES)
REQUESTS = {request.subject: request for request in (*COMMANDS, *QUERIES)}

ID = "01M7ZQPJ4RNK3G1KAYMQFFSG2C"
PLATE = "01M7ZQPSHVEFGKGX3AXV289NGE"
PLACE = "01K5HDZZCF27YHD2WDGSXFPPKQ"


class WrittenLab(Bus):
    """Answers each verb by a function, or by a refusal; remembers what it was asked.

    A name with underscores is a verb with dashes: `resource_set_quantity` is `resource.set-quantity`; a verb that is
    written otherwise is given as it is.
    """

    def __init__(self, **workers: Worker | Refusal) -> None:
        super().__init__("nats://nowhere")
        self.workers = {verb_of(name): worker for name, worker in workers.items()}
        self.asked: list[tuple[str, Json]] = []
        self.heads: list[Mapping[str, str]] = []

    @property
    def connected(self) -> bool:
        return True

    async def ask(
        self,
        verb: str,
        body: bytes,
        heads: Mapping[str, str] | None = None,
        *,
        budget: float = BUDGET,
        patience: float = PATIENCE,
    ) -> Reply:
        self.asked.append((verb, orjson.loads(body)))
        self.heads.append(heads or {})
        if (worker := self.workers.get(verb)) is None:
            raise NoWorker(subject=f"labstow.v1.{verb}")
        try:
            if isinstance(worker, Refusal):
                raise worker
            if request := REQUESTS.get(verb):
                request.model_validate_json(body)
            return Reply(200, orjson.dumps(worker(orjson.loads(body))))
        except (Refusal, ValidationError) as no:
            refusal = no if isinstance(no, Refusal) else Invalid(summary=str(no), errors=[])
            return Reply(refusal.status, orjson.dumps(refusal.problem()), refusal.code)


def verb_of(name: str) -> str:
    """Give the verb that a name means."""
    return name if "." in name else name.replace("_", ".", 1).replace("_", "-")


def thing(**fields: Any) -> Json:
    """Give a resource as a worker answers it."""
    return {
        "resource_id": ID,
        "name": "S1",
        "resource_class": "",
        "base_type": "asset",
        "description": None,
        "owner": {},
        "attributes": {},
        "parent_id": None,
        "position": None,
        "rows": None,
        "columns": None,
        "layers": None,
        "one_indexed": True,
        "quantity": None,
        "capacity": None,
        "unit": None,
        "template_name": None,
        "template_version": None,
        "created_at": "2026-11-21T19:00:32.028410Z",
        "updated_at": "2026-11-21T19:00:32.028410Z",
        "removed_at": None,
        "removal_id": None,
        "version": 3,
        **fields,
    }


def place(**fields: Any) -> Json:
    """Give a location as a worker answers it."""
    return {
        "location_id": PLACE,
        "name": "sample_storage",
        "description": None,
        "representations": {},
        "resource_id": None,
        "resource_template_name": None,
        "resource_template_overrides": None,
        "awaits_template": False,
        "allow_transfers": True,
        "managed_by": "lab",
        "owner": {},
        "location_template_name": None,
        "node_bindings": None,
        "created_at": "2026-11-21T19:00:32.028410Z",
        "updated_at": "2026-11-21T19:00:32.028410Z",
        "removed_at": None,
        "version": 3,
        "reservation": None,
        **fields,
    }

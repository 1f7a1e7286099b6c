"""What the documentation says about bodies and parameters; the routes read them by themselves."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from labstow.gateway.parameters import Kinds

RESOURCE: Final = {
    "resource_name": "Sample plate 7",
    "resource_class": "plate",
    "base_type": "grid",
    "rows": 8,
    "columns": 12,
    "attributes": {"lot": "L-12"},
}
RESOURCE_ID: Final = "01M7ZQPJ4RNK3G1KAYMQFFSG2C"
LOCATION: Final = {
    "location_name": "sample_storage",
    "description": "Main sample storage rack",
    "representations": {"robotarm_1": {"position": "A1", "height": 150}},
    "allow_transfers": True,
}


def takes(example: Mapping[str, Any] | Sequence[Any], *, required: bool = True) -> dict[str, Any]:
    """Describe a route that takes a JSON object, or a list, such as the example."""
    schema, shown = ("object", dict(example)) if isinstance(example, Mapping) else ("array", list(example))
    content = {"schema": {"type": schema}, "example": shown}
    return {"requestBody": {"required": required, "content": {"application/json": content}}}


def asks(kinds: Kinds) -> dict[str, Any]:
    """Describe a route that takes parameters."""
    return {"parameters": [{"name": name, "in": "query", "schema": kind.schema} for name, kind in kinds.items()]}

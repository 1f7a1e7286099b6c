"""What the documentation says about bodies and parameters; the routes read them by themselves."""

from collections.abc import Mapping
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


def takes(example: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a route that takes a JSON object such as the example."""
    content = {"schema": {"type": "object"}, "example": dict(example)}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def asks(kinds: Kinds) -> dict[str, Any]:
    """Describe a route that takes parameters."""
    return {"parameters": [{"name": name, "in": "query", "schema": kind.schema} for name, kind in kinds.items()]}

"""What the documentation says about bodies; the routes read them by themselves."""

from collections.abc import Mapping
from typing import Any, Final

RESOURCE: Final = {
    "resource_name": "Sample plate 7",
    "resource_class": "plate",
    "base_type": "grid",
    "rows": 8,
    "columns": 12,
    "attributes": {"lot": "L-12"},
}


def takes(example: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a route that takes a JSON object such as the example."""
    content = {"schema": {"type": "object"}, "example": dict(example)}
    return {"requestBody": {"required": True, "content": {"application/json": content}}}

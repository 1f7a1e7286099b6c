"""How what runs beside MADSci's client tells what it got: a line of JSON for each step."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
from madsci.common.types.resource_types import Asset  # type: ignore[import-not-found]

from tests.copies import alike


def tell(step: str, got: object) -> None:
    """Print a step and what the client got."""
    print(json.dumps({"step": step, "got": _plain(got)}), flush=True)


def refused(action: Callable[[], object]) -> object:
    """Give the status and detail of what must not succeed."""
    try:
        action()
    except httpx.HTTPStatusError as error:
        return {"status": error.response.status_code, "detail": error.response.json()["detail"]}
    return None


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait for a condition; what is told next shows whether it came true."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)


def sample(name: str, **attributes: Any) -> Any:
    """A small thing to put somewhere."""
    return Asset(resource_name=name, resource_class="sample", attributes={"compound": "aspirin", **attributes})


def _plain(got: object) -> object:
    if isinstance(got, list | tuple):
        return [_plain(one) for one in got]
    model = getattr(got, "unwrap", got)
    return alike(model.model_dump(mode="json")) if hasattr(model, "model_dump") else got

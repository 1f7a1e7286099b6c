"""How much there is, over REST. Amounts are parameters, in the resource's unit or in `unit`."""

from contextlib import suppress
from typing import Final

from fastapi import APIRouter, Request, Response

from labstow.gateway.answers import done, known
from labstow.gateway.edge import MadsciRoute
from labstow.gateway.madsci.given import rounded
from labstow.gateway.openapi import asks
from labstow.gateway.parameters import TEXT, Kind, parameters


def written(text: str) -> str:
    """An amount as it was written; if it is written as floats are, with as many places as are kept."""
    with suppress(ValueError):
        if repr(number := float(text)) == text:
            return repr(rounded(number))
    return text


NUMBER: Final = Kind(written, TEXT.schema)
QUANTITY: Final = {"quantity": NUMBER, "unit": TEXT}
AMOUNT: Final = {"amount": NUMBER, "unit": TEXT}
CAPACITY: Final = {"capacity": NUMBER, "unit": TEXT}

router = APIRouter(route_class=MadsciRoute, tags=["quantities"])


@router.post("/resource/{resource_id}/quantity", openapi_extra=asks(QUANTITY))
async def set_quantity(request: Request, resource_id: str) -> Response:
    """Write how much there is."""
    command = {"resource_id": known(resource_id), **parameters(request, QUANTITY)}
    return await done(request, "resource.set-quantity", command)


@router.post("/resource/{resource_id}/quantity/change_by", openapi_extra=asks(AMOUNT))
async def change_quantity_by(request: Request, resource_id: str) -> Response:
    """Add to how much there is, or with a negative amount take from it."""
    told = parameters(request, AMOUNT)
    if "amount" in told:
        told["by"] = told.pop("amount")
    return await done(request, "resource.change-quantity", {"resource_id": known(resource_id), **told})


@router.post("/resource/{resource_id}/quantity/increase", openapi_extra=asks(AMOUNT))
async def increase_quantity(request: Request, resource_id: str) -> Response:
    """Add to how much there is, whatever the sign of the amount."""
    return await done(request, "resource.increase-quantity", magnitude(request, resource_id))


@router.post("/resource/{resource_id}/quantity/decrease", openapi_extra=asks(AMOUNT))
async def decrease_quantity(request: Request, resource_id: str) -> Response:
    """Take from how much there is, whatever the sign of the amount; more than there is is refused."""
    return await done(request, "resource.decrease-quantity", magnitude(request, resource_id))


@router.post("/resource/{resource_id}/capacity", openapi_extra=asks(CAPACITY))
async def set_capacity(request: Request, resource_id: str) -> Response:
    """Write how much fits; not less than there is."""
    command = {"resource_id": known(resource_id), **parameters(request, CAPACITY)}
    return await done(request, "resource.set-capacity", command)


@router.delete("/resource/{resource_id}/capacity")
async def remove_capacity_limit(request: Request, resource_id: str) -> Response:
    """Let any amount fit."""
    return await done(request, "resource.clear-capacity", {"resource_id": known(resource_id)})


@router.post("/resource/{resource_id}/fill")
async def fill(request: Request, resource_id: str) -> Response:
    """Have as much as fits: the quantity becomes the capacity."""
    return await done(request, "resource.fill", {"resource_id": known(resource_id)})


@router.post("/resource/{resource_id}/empty")
async def empty(request: Request, resource_id: str) -> Response:
    """Leave nothing in a consumable, or take everything out of a container."""
    return await done(request, "resource.empty", {"resource_id": known(resource_id)})


def magnitude(request: Request, resource_id: str) -> dict[str, str]:
    """A command with an amount, without the sign that MADSci's clients may give it."""
    told = parameters(request, AMOUNT)
    if "amount" in told:
        told["amount"] = told["amount"].strip().removeprefix("-")
    return {"resource_id": known(resource_id), **told}

"""Messages about how much there is (`labstow.v1.resource.*`).

An amount without a unit is in the resource's own. With another unit it is converted, exactly, or refused. Nothing is
clamped: what is not there cannot be taken, and what does not fit is not put in.
"""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, BeforeValidator, Field

from labstow.contracts.message import DIGITS, Command, Exact, Ulid, Version, written_plainly
from labstow.contracts.resource import Amount, Resource, UnitName


def _some(amount: Decimal) -> Decimal:
    if not amount:
        raise ValueError("must not be 0")
    return amount


More = Annotated[Decimal, Field(**DIGITS, gt=0), BeforeValidator(written_plainly)]
Change = Annotated[Exact, AfterValidator(_some)]


class SetQuantity(Command[Resource]):
    """Write how much there is. A consumable without a unit gets the one that is named."""

    subject: ClassVar[str] = "resource.set-quantity"
    resource_id: Ulid
    quantity: Amount
    unit: UnitName | None = None
    expected_version: Version | None = None


class ChangeQuantity(Command[Resource]):
    """Add to how much there is, or with a negative amount take from it."""

    subject: ClassVar[str] = "resource.change-quantity"
    resource_id: Ulid
    by: Change
    unit: UnitName | None = None
    expected_version: Version | None = None


class IncreaseQuantity(Command[Resource]):
    """Add to how much there is."""

    subject: ClassVar[str] = "resource.increase-quantity"
    resource_id: Ulid
    amount: More
    unit: UnitName | None = None
    expected_version: Version | None = None


class DecreaseQuantity(Command[Resource]):
    """Take from how much there is."""

    subject: ClassVar[str] = "resource.decrease-quantity"
    resource_id: Ulid
    amount: More
    unit: UnitName | None = None
    expected_version: Version | None = None


class Fill(Command[Resource]):
    """Have as much as fits: the quantity becomes the capacity."""

    subject: ClassVar[str] = "resource.fill"
    resource_id: Ulid
    expected_version: Version | None = None


class SetCapacity(Command[Resource]):
    """Write how much fits; not less than there is."""

    subject: ClassVar[str] = "resource.set-capacity"
    resource_id: Ulid
    capacity: Amount
    unit: UnitName | None = None
    expected_version: Version | None = None


class ClearCapacity(Command[Resource]):
    """Let any amount fit."""

    subject: ClassVar[str] = "resource.clear-capacity"
    resource_id: Ulid
    expected_version: Version | None = None


COMMANDS: Final[tuple[type[Command[Any]], ...]] = (
    SetQuantity,
    ChangeQuantity,
    IncreaseQuantity,
    DecreaseQuantity,
    Fill,
    SetCapacity,
    ClearCapacity,
)

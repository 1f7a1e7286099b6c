"""What a class of resources asks of locks (`LABSTOW_LOCK_CLASSES`)."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field


class Policy(BaseModel):
    """How locks of a class behave."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lock_delay_s: Annotated[float, Field(ge=0, le=3600)] = 0
    """After a lease expired or was broken, nobody gets the thing for so long: what moved it may still move."""
    hold_for_operator: bool = False
    """After a lease expired or was broken, nobody gets the thing until an operator breaks it once more."""
    require_lease: bool = False
    """Such things change under a lease only."""


Policies = Mapping[str, Policy]
"""By resource class."""
PLAIN: Final = Policy()

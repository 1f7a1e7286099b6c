"""What a worker can be told, by environment or `.env` (prefix `LABSTOW_`)."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter
from pydantic_settings import BaseSettings, SettingsConfigDict

from labstow.contracts.lock import CompatLocks
from labstow.workers.lock.policy import Policy
from labstow.workers.resource.units import STANDARD, Units, own_units

_DEFINITIONS = TypeAdapter(dict[str, str])


def _units(given: Any) -> Units:
    """Units from their definitions."""
    if isinstance(given, Units):
        return given
    read = _DEFINITIONS.validate_json if isinstance(given, str) else _DEFINITIONS.validate_python
    return own_units(read(given))


class Settings(BaseSettings):
    """Settings of a worker process."""

    model_config = SettingsConfigDict(
        env_prefix="LABSTOW_", env_file=".env", extra="ignore", arbitrary_types_allowed=True
    )

    nats_url: str = Field("nats://127.0.0.1:4222", description="The NATS servers, comma-separated.")
    postgres_url: str = Field("postgresql://labstow@127.0.0.1:5432/labstow", description="The database.")
    redis_url: str = Field("redis://127.0.0.1:6379", description="Redis or Valkey; may be empty or away at any time.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    batch_commands: int = Field(64, ge=1, le=1024, description="Commands in one transaction at most.")
    queue_room: int = Field(1024, ge=1, description="Commands that may wait; the next one is answered 503.")
    stop_grace_s: float = Field(15.0, gt=0, description="How long a stop waits for what was accepted.")
    lock_classes: dict[str, Policy] = Field(
        default_factory=dict,
        description='What classes of resources ask of locks: {"plate": {"lock_delay_s": 15, "hold_for_operator": false,'
        ' "require_lease": true}}.',
    )
    compat_locks: CompatLocks = Field(
        "lenient",
        description="Whether MADSci's clients, who name no lease, may change what a client like them has locked, noted"
        " as bypassed; or only the one that locked it.",
    )
    units: Annotated[Units, BeforeValidator(_units)] = Field(STANDARD, description="Units of this laboratory's own.")

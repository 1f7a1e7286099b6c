"""What the gateway can be told, by environment or `.env` (prefix `LABSTOW_`)."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from labstow.contracts.lock import MAX_TTL_S, CompatLocks
from labstow.contracts.message import Ulid
from labstow.contracts.ulids import derived_ulid


class GatewaySettings(BaseSettings):
    """Settings of a gateway process."""

    model_config = SettingsConfigDict(env_prefix="LABSTOW_", env_file=".env", extra="ignore")

    nats_url: str = Field("nats://127.0.0.1:4222", description="The NATS servers, comma-separated.")
    host: str = Field("127.0.0.1", description="Where the gateway listens.")
    port: int = Field(8003, ge=0, le=65535)
    location_port: int = Field(
        8006, ge=0, le=65535, description="Where MADSci's location clients look: the gateway listens there, too."
    )
    manager_name: str = Field("labstow", description="The name this laboratory shows to MADSci clients.")
    manager_id: Ulid | None = Field(None, description="Its id there; made from the name if not given.")
    request_budget_s: float = Field(5.0, gt=0, description="Seconds until a request is answered, come what may.")
    max_body_bytes: int = Field(8 << 20, ge=1, description="A larger request is refused before anybody reads it.")
    lock_default_duration_s: float = Field(
        300.0, ge=1, le=MAX_TTL_S, description="How long a lock of MADSci's clients lasts if they do not say."
    )

    compat_locks: CompatLocks = Field(
        "lenient",
        description="As the workers have it; if strict, MADSci's clients keep what they locked with a cookie.",
    )

    @property
    def shown_id(self) -> str:
        """The id of this laboratory, the same from every gateway."""
        return self.manager_id or derived_ulid("manager", self.manager_name)

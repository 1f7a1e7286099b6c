"""Talk to a laboratory over NATS. What happens there is heard through `labstow.client.events`."""

from labstow.client.async_labstow import AsyncLabstow
from labstow.client.bus import Bus, Reply
from labstow.client.lock import Guard

__all__ = ["AsyncLabstow", "Bus", "Guard", "Reply"]

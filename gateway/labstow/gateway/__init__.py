"""labstow over REST: an application made by `create_app`, in the shapes of MADSci's published clients."""

from labstow.gateway.app import create_app
from labstow.gateway.settings import GatewaySettings

__all__ = ["GatewaySettings", "create_app"]

"""Telling who is there: the NATS services convention (ADR-32), so `nats micro ls` lists every worker."""

from datetime import UTC, datetime
from typing import Any, Final

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.nuid import NUID

from labstow.workers.kit.intake import Endpoint

TYPE: Final = "io.nats.micro.v1.{verb}_response"


class Service:
    """One kind of worker in this process, as others see it."""

    def __init__(self, name: str, version: str, description: str, endpoints: list[Endpoint]) -> None:
        self.name, self._description, self._endpoints = name, description, endpoints
        self._identity = {"name": name, "id": NUID().next().decode(), "version": version, "metadata": {}}
        self._started = datetime.now(UTC)

    async def announce(self, nats: Client) -> None:
        """Answer `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`, for all, for this kind and for this one."""
        for verb, endpoints in (("PING", None), ("INFO", self._info), ("STATS", self._stats)):

            async def answer(message: Msg, verb: str = verb, endpoints: Any = endpoints) -> None:
                body = self._identity | {"type": TYPE.format(verb=verb.lower())}
                if endpoints is not None:
                    body |= {"endpoints": [endpoints(endpoint) for endpoint in self._endpoints]}
                if verb == "INFO":
                    body |= {"description": self._description}
                if verb == "STATS":
                    body |= {"started": self._started.isoformat().replace("+00:00", "Z")}
                await message.respond(orjson.dumps(body))

            for tail in ("", f".{self.name}", f".{self.name}.{self._identity['id']}"):
                await nats.subscribe(f"$SRV.{verb}{tail}", cb=answer)

    def _info(self, endpoint: Endpoint) -> dict[str, Any]:
        name = endpoint.subject.rsplit(".", 1)[-1]
        return {"name": name, "subject": endpoint.subject, "queue_group": endpoint.queue, "metadata": {}}

    def _stats(self, endpoint: Endpoint) -> dict[str, Any]:
        figures = {
            "num_requests": endpoint.requests,
            "num_errors": endpoint.errors,
            "last_error": endpoint.last_error,
            "processing_time": endpoint.nanoseconds,
            "average_processing_time": endpoint.nanoseconds // max(endpoint.requests, 1),
        }
        return {key: value for key, value in self._info(endpoint).items() if key != "metadata"} | figures

"""A lock service as it should be: one clock, and one request at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from tests.locks.histories import Facts
from tests.locks.simulated.crowd import Request


@dataclass
class Kept:
    """What the service knows of a resource."""

    token: int = 0
    value: object = None
    lease: str | None = None
    ends: float = 0.0
    surely_until: float = 0.0
    """Until when the lease is live for everybody to see: counted from the call, not from the moment of the grant."""

    def is_live(self, now: float) -> bool:
        return self.lease is not None and now < self.ends

    def is_surely_live(self, now: float) -> bool:
        return self.lease is not None and now < self.surely_until

    def is_proven(self, lease: str, now: float) -> bool:
        return self.lease == lease and self.is_live(now)


class LockService:
    """Keeps the leases of some resources."""

    def __init__(self, resources: Sequence[str]) -> None:
        self.kept = {resource: Kept() for resource in resources}
        self._names = count(1)

    def answer(self, request: Request, called: float, now: float) -> Facts | None:
        """Do what is asked of all the resources, or tell which are in the way."""
        presented = request.arguments.get("lease")
        if presented is None:
            refusal, because = "held", [each for each in request.resources if self.kept[each].is_live(now)]
        else:
            refusal = "lost"
            because = [each for each in request.resources if not self.kept[each].is_proven(presented, now)]
        if because and request.kind not in {"read", "break"}:
            waits = now - called < request.arguments.get("wait", 0.0)
            return None if waits else {"answer": refusal, "because": because}
        return self.do(request, called, now)

    def do(self, request: Request, called: float, now: float) -> Facts:
        """Do it, whoever asks."""
        asked, all_kept = request.arguments, {each: self.kept[each] for each in request.resources}
        told: dict[str, object] = {"answer": "ok"}
        if request.kind == "acquire":
            told = {"answer": "granted", "lease": f"lease {next(self._names)}"}
        for kept in all_kept.values():
            match request.kind:
                case "acquire" | "renew":
                    kept.lease = asked.get("lease", told.get("lease"))
                    kept.token += request.kind == "acquire"
                    kept.ends, kept.surely_until = now + asked["ttl"], called + asked["ttl"]
                case "write":
                    kept.value = asked["value"]
                case "read":
                    told["value"] = kept.value
                case "release":
                    kept.lease = None
                case "break":
                    kept.lease = None
                    kept.token += 1
        if request.kind == "acquire":
            told["tokens"] = {each: kept.token for each, kept in all_kept.items()}
        return told

"""The way in."""

import re
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from starlette.types import Receive, Scope, Send

from labstow.gateway.edge import Handler, Route

_OF_ONE: Final = re.compile(r"/(\w+)/\{(\w+)\}/?([\w/]*)")


class Front(FastAPI):
    """FastAPI for documentation and for what does not exist; our own routes get their requests directly.

    Its layers (routers in routers, exit stacks, telemetry) took 90 of the 120 us in which a read is passed on; they do
    nothing for a route that reads its own body and catches everything. With a root path they are walked through.
    """

    def __init__(self, **about: Any) -> None:
        super().__init__(**about)
        self._paths: dict[tuple[str, str], Handler] = {}
        self._of_one: dict[tuple[str, ...], tuple[str, Handler]] = {}
        """Those of the form `/noun/{name}/more`, by method, noun and what follows: most are."""
        self._patterns: list[tuple[str, re.Pattern[str], Handler]] = []

    def serve(self, router: APIRouter) -> None:
        """Serve the routes of a router."""
        self.include_router(router)
        for route in router.routes:
            assert isinstance(route, Route)  # noqa: S101  (others would need the layers)
            handler = route.get_route_handler()
            for method in route.methods or ():
                if "{" not in route.path:
                    self._paths[method, route.path] = handler
                elif found := _OF_ONE.fullmatch(route.path):
                    noun, name, *more = filter(None, found.groups())
                    self._of_one[method, noun, *more] = (name, handler)
                else:
                    self._patterns.append((method, route.path_regex, handler))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and (found := self._find(scope["method"], scope["path"])):
            handler, scope["path_params"] = found
            scope["app"] = self
            response = await handler(Request(scope, receive, send))
            await response(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def _find(self, method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
        if handler := self._paths.get((method, path)):
            return handler, {}
        _, *parts = path.split("/", 3)
        if len(parts) > 1 and parts[1] and (found := self._of_one.get((method, parts[0], *parts[2:]))):
            name, handler = found
            return handler, {name: parts[1]}
        for wanted, pattern, handler in self._patterns:
            if method == wanted and (match := pattern.match(path)):
                return handler, match.groupdict()
        return None

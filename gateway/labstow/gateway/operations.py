"""The operation that a request is for: its id, which says what is to be done once."""

from collections import Counter
from typing import Final

from fastapi import Request

from labstow.contracts.ulids import derived_ulid, is_mark, is_ulid, marked_ulid, new_ulid
from labstow.gateway import cookies
from labstow.gateway.repetitions import Repetitions, same

BODY: Final = "labstow.body"
"""Where a request keeps its body."""
OPERATION: Final = "labstow.operation"
"""Where it keeps its operation id."""
COPY: Final = "labstow.copy"
"""Where it keeps the mark of the copy that it writes."""


def op_id(request: Request) -> str:
    """The operation id of a request, made once."""
    found: str | None = request.scope.get(OPERATION)
    if found is None:
        key = dict(request.scope["headers"]).get(b"idempotency-key")
        found = _keyed(key.decode("latin-1")) if key is not None else _again(request) or new_ulid()
        request.scope[OPERATION] = found
    return found


def write_from(request: Request, copy: object) -> None:
    """Let the operation id of a request bear the mark of the copy that it writes, so that it is known what was written
    from that copy before. A caller's own operation id stays as it is. While something is being written from a copy,
    somebody else has one of it, who knows nothing of that.
    """
    if not is_mark(copy) or b"idempotency-key" in dict(request.scope["headers"]):
        return
    writing: Counter[object] = request.app.state.writing
    if not writing[copy]:
        request.scope[OPERATION] = _again(request) or marked_ulid(str(copy))
    writing[copy] += 1
    request.scope[COPY] = copy


def is_over(request: Request) -> None:
    """Note that nothing is being written any more from the copy of a request."""
    if (copy := request.scope.get(COPY)) is not None:
        writing: Counter[object] = request.app.state.writing
        writing[copy] -= 1
        if not writing[copy]:
            del writing[copy]


def _keyed(text: str) -> str:
    """The id that a caller's own key is, or that is made from it."""
    return text if is_ulid(text) else derived_ulid("idempotency-key", text)


def _same(request: Request, who: str) -> bytes:
    """What a request has in common with its repetitions."""
    path = f"{request.url.path}?{request.url.query}"
    return same(who, request.method, path, request.scope.get(BODY, b""))


def _again(request: Request) -> str | None:
    """The operation that a request repeats, if it does."""
    known: Repetitions = request.app.state.repetitions
    if not known or (who := cookies.client(request)) is None:
        return None
    return known.again(_same(request, who))


def note_unknown(request: Request) -> None:
    """Note that nobody knows the outcome of what a request asked for."""
    known: Repetitions = request.app.state.repetitions
    if (who := cookies.client(request)) is not None and (made := request.scope.get(OPERATION)) is not None:
        known.note(_same(request, who), made)

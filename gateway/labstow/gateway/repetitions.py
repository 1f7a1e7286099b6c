"""Repetitions. MADSci's clients send a request again by themselves when its outcome is not known, as if it were new.
From the same client, what is the same to the letter is taken for the same operation then, which is executed once.
"""

import time
from collections import deque
from hashlib import sha256
from typing import Final

WITHIN_S: Final = 60
ROOM: Final = 10_000


class Repetitions:
    """Operations of which nobody knows the outcome, by client and request; of one request several, if it was sent from
    several threads.
    """

    def __init__(self) -> None:
        self._unknown: dict[bytes, deque[tuple[str, float]]] = {}

    def __bool__(self) -> bool:
        return bool(self._unknown)

    def note(self, key: bytes, op_id: str) -> None:
        """Keep an operation for a while; of too many requests, the newest."""
        noted = self._unknown.pop(key, None) or deque(maxlen=ROOM)
        noted.append((op_id, time.monotonic() + WITHIN_S))
        self._unknown[key] = noted
        if len(self._unknown) > ROOM:
            del self._unknown[next(iter(self._unknown))]

    def again(self, key: bytes) -> str | None:
        """The operation that a request repeats, if it does; once for each that was noted."""
        noted = self._unknown.get(key)
        while noted:
            op_id, until = noted.popleft()
            if not noted:
                del self._unknown[key]
            if time.monotonic() < until:
                return op_id
        return None


def same(client: str, method: str, path: str, body: bytes) -> bytes:
    """What two requests have in common that are the same."""
    return sha256(b"\0".join((client.encode(), method.encode(), path.encode(), body))).digest()

"""What never changes is kept, to be had again without asking."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values by key, as many as there is room for; what was kept longest goes first."""

    def __init__(self, room: int) -> None:
        self._room, self._left = room, room
        self._values: dict[K, tuple[V, int]] = {}

    def get(self, key: K) -> V | None:
        """The value, if it is here."""
        found = self._values.get(key)
        return None if found is None else found[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Keep a value of about so many bytes, unless it would drive out too much."""
        if size > self._room // 16 or key in self._values:
            return
        self._values[key] = (value, size)
        self._left -= size
        while self._left < 0:
            _, freed = self._values.pop(next(iter(self._values)))
            self._left += freed

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._left = self._room

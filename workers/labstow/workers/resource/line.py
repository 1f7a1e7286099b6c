"""The order in a stack, a queue or a slot, as far as it is known: from the end where things are taken."""

from bisect import insort
from dataclasses import dataclass, field
from operator import itemgetter

from labstow.contracts.base_types import BaseType
from labstow.workers.resource.thing import Thing

Standing = tuple[int, str]
"""A place in line, and who has it. What comes later has the higher place."""


@dataclass
class Line:
    """Who will be taken next is `standings[-1]`, the one after that before it, and so on."""

    front: bool
    """Whether things are taken where the line begins, as from a queue."""
    standings: list[Standing] = field(default_factory=list)
    whole: bool = False
    """Whether there is nobody else."""
    looked: int = 1
    """How many were looked for."""

    @property
    def next(self) -> str | None:
        """Who will be taken next; None if it is not known, or there is nobody."""
        return self.standings[-1][1] if self.standings else None

    def leave(self, standing: Standing) -> None:
        """Take somebody out."""
        if standing in self.standings:
            self.standings.remove(standing)

    def join(self, standing: Standing) -> None:
        """Put somebody in, if it is known where."""
        sign = -1 if self.front else 1
        if self.whole or (self.standings and sign * standing[0] > sign * self.standings[0][0]):
            insort(self.standings, standing, key=lambda one: sign * one[0])

    def copy(self) -> "Line":
        """The same, to be changed apart."""
        return Line(self.front, list(self.standings), self.whole, self.looked)


def whole_line(container: Thing, children: list[Thing]) -> Line:
    """The line of a container whose children are all known."""
    front = container.base_type is BaseType.QUEUE
    standings = [(child.order_seq, child.id) for child in children if child.order_seq is not None]
    return Line(front, sorted(standings, key=itemgetter(0), reverse=front), whole=True)

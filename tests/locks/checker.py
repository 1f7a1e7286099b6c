"""Did it happen one after the other? The search of Wing and Gong, as Lowe made it remember where it has been.

Many sessions use one thing at once. Nobody sees in which order their operations took effect; all that is known is
when each was called, when it returned, and what it told. Such a history is *linearizable* if each operation can be
given one instant between its call and its return, so that a model of the thing, which does one operation at a time
in the order of these instants, gives every result that was given.

The search places operations one by one. Which may be next? Any that was called before the first return of one that
is still to be placed: whatever was called later came after that one for everybody to see. If the model cannot have
given the result of any of these, the search goes back to the last choice and takes the next one. Two ways to place
the same operations that lead to the same state are one way: the second is not followed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tests.locks.histories import Operation, by_resource

State = TypeVar("State")


@dataclass(frozen=True)
class Model(Generic[State]):
    """How a thing behaves towards one operation at a time.

    A step tells the state after an operation, or None if the operation cannot have had its result in that state. An
    operation without a result is one that worked: that it did nothing is tried by leaving it out. States are values:
    hashable, and equal if nothing will ever tell them apart.
    """

    start: State
    step: Callable[[State, Operation], State | None]


class NotLinearizable(AssertionError):
    """There is no order; tells how far the best attempt came, and where it ended."""

    def __init__(self, history: Sequence[Operation], explained: Sequence[Operation], state: object) -> None:
        placed = set(map(id, explained))
        left = [operation for operation in history if id(operation) not in placed]
        self.resources = sorted({resource for operation in history for resource in operation.resources})
        self.explained = explained
        self.culprit = min(left, key=lambda operation: operation.returned)
        """The first to return of those that found no place."""
        self.rivals = [each for each in left if each.called <= self.culprit.returned and each is not self.culprit]
        """What else could have been next, and was tried."""
        super().__init__(self._told(len(history), state))

    def _told(self, total: int, state: object) -> str:
        lines = [f"{', '.join(self.resources)}: no order of these {total} operations explains what they told."]
        if self.explained:
            lines += [f"The longest that explains some has {len(self.explained)} of them, and ends:"]
            lines += [f"    {operation}" for operation in self.explained[-8:]]
        lines += [f"Now it is {state}", "and this cannot be next:", f"    {self.culprit}"]
        if self.rivals:
            lines += ["nor does it help to place one of these before it:", *(f"    {each}" for each in self.rivals)]
        return "\n".join(lines)


def linearize_each(operations: Iterable[Operation], model: Model[State]) -> dict[str, list[Operation]]:
    """An order for each resource by itself: if all have one, so has the whole.

    Raises:
        NotLinearizable: A resource has none.
    """
    return {resource: linearize(history, model) for resource, history in by_resource(operations).items()}


def linearize(history: Sequence[Operation], model: Model[State]) -> list[Operation]:
    """An order that explains all results. Operations whose outcome nobody knows may be missing from it.

    Raises:
        NotLinearizable: There is none.
    """
    events = _ring(history)
    missing = sum(operation.result is not None for operation in history)
    state, done = model.start, 0
    placed: list[tuple[Call, State]] = []
    been = {(done, state)}
    longest: tuple[list[Operation], State] = ([], state)
    here = events.after
    while missing:
        if isinstance(here, Call):
            following = model.step(state, here.operation)
            if following is None or (there := (done | here.bit, following)) in been:
                here = here.after
                continue
            been.add(there)
            placed.append((here, state))
            done, state = there
            missing -= here.is_known
            here.leave()
            here = events.after
        else:  # a return whose operation is not placed
            if len(placed) > len(longest[0]):
                longest = [call.operation for call, _ in placed], state
            while placed:
                call, before = placed.pop()
                call.rejoin()
                missing += call.is_known
                done ^= call.bit
                changed, state = before != state, before
                if changed:  # else it was in nobody's way, and later the rest fails as it did
                    break
            else:
                raise NotLinearizable(history, *longest)
            here = call.after
    return [call.operation for call, _ in placed]


class Event:
    """A return, or the link that closes the ring. Who leaves the ring remembers its neighbours and can rejoin them."""

    __slots__ = ("after", "before")

    def __init__(self) -> None:
        self.before = self.after = self

    def leave(self) -> None:
        """Be skipped by the neighbours."""
        self.before.after, self.after.before = self.after, self.before

    def rejoin(self) -> None:
        """Be between the neighbours again; who left last rejoins first."""
        self.before.after = self.after.before = self


class Call(Event):
    """The call of an operation; leaves and rejoins together with its return."""

    __slots__ = ("bit", "is_known", "operation", "returning")

    def __init__(self, operation: Operation, bit: int) -> None:
        super().__init__()
        self.operation = operation
        self.bit = bit
        self.is_known = operation.result is not None
        self.returning = Event()

    def leave(self) -> None:
        super().leave()
        self.returning.leave()

    def rejoin(self) -> None:
        self.returning.rejoin()
        super().rejoin()


def _ring(history: Sequence[Operation]) -> Event:
    """All events in order of time, behind the link that closes the ring.

    At one and the same time calls come first, because then nobody can tell which was first. Returns that never come are
    last, where nobody comes to: before that, all that is known has found its place.
    """
    events: list[tuple[float, bool, Event]] = []
    for number, operation in enumerate(history):
        call = Call(operation, 1 << number)
        events += [(operation.called, False, call), (operation.returned, True, call.returning)]
    closing = Event()
    for *_, event in sorted(events, key=lambda event: event[:2]):
        event.before, event.after = closing.before, closing
        event.rejoin()
    return closing

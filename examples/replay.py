"""Rebuild the laboratory from its events alone, and hold it against what the workers answer.

    python examples/replay.py                                  everything, from the first event
    python examples/replay.py --verify                         and compare; exit code 1 when something differs
    python examples/replay.py --from-time 2026-11-21T09:00Z    what happened since nine
    python examples/replay.py --from-seq 5000 --follow         go on listening, and tell what happens

Every event carries the whole state of its thing after the change, so a replay may start anywhere: what is mentioned
after the start is right, and what is not mentioned is not known.
"""

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from labstow.client import AsyncLabstow
from labstow.client.events import Gap
from labstow.contracts.errors import NotFound, Refusal
from labstow.contracts.events import Event
from labstow.contracts.queries import Find, Get
from labstow.contracts.resource import Resource


@dataclass
class Projection:
    """The laboratory as its events tell it. Apply them in order; one that was applied already changes nothing."""

    resources: dict[str, Resource] = field(default_factory=dict)
    children: dict[str, set[str]] = field(default_factory=dict)
    """Ids of what is in a container, by its id."""
    seen: Counter[str] = field(default_factory=Counter)
    position: int = 0
    """The number of the last event in the stream: keep it with the projection, and go on behind it."""
    last: Event | None = None

    def apply(self, position: int, event: Event) -> None:
        """Take in one event."""
        self.position, self.last = position, event
        self.seen[event.type] += 1
        if not event.type.startswith("labstow.resource."):
            return
        known = self.resources.get(event.subject)
        if known and event.version <= known.version:
            return
        if known and event.version > known.version + 1:
            raise Gap(f"{event.subject} goes from version {known.version} to {event.version}")
        if known and known.parent_id:
            self.children[known.parent_id].discard(event.subject)
        resource = Resource.model_validate(event.data.state)
        self.resources[event.subject] = resource
        if resource.parent_id:
            self.children.setdefault(resource.parent_id, set()).add(event.subject)

    def present(self) -> list[Resource]:
        """What was not removed."""
        return [resource for resource in self.resources.values() if resource.removed_at is None]


async def replay(lab: AsyncLabstow, projection: Projection, since: datetime | None, *, quiet: bool = False) -> None:
    """Apply everything up to the present end of the stream."""
    started = told = time.monotonic()
    before = projection.seen.total()
    async for position, event in lab.events(after=projection.position, since=since, follow=False):
        projection.apply(position, event)
        if not quiet and (now := time.monotonic()) - told > 0.5:
            told, count = now, projection.seen.total() - before
            print(f"  {count:,} events, {count / (now - started):,.0f} a second, at {event.time:%Y-%m-%d %H:%M:%S}")


def summary(projection: Projection) -> Iterator[str]:
    """The laboratory in some lines."""
    present = projection.present()
    removed = len(projection.resources) - len(present)
    yield f"{projection.seen.total():,} events, up to number {projection.position:,} of the stream:"
    for kind, count in projection.seen.most_common():
        yield f"  {count:>9,}  {kind.removeprefix('labstow.').removesuffix('.v1')}"
    yield f"{len(present):,} resources" + (f", and {removed:,} that were removed:" if removed else ":")
    for base_type, count in Counter(resource.base_type.value for resource in present).most_common():
        yield f"  {count:>9,}  {base_type.replace('_', ' ')}"
    if fullest := max(present, key=lambda one: len(projection.children.get(one.resource_id, ())), default=None):
        yield f"most is in {fullest.name}: {len(projection.children.get(fullest.resource_id, ())):,} things"
    if projection.last:
        yield f"last: {sentence(projection, projection.last)}"


def sentence(projection: Projection, event: Event) -> str:
    """An event in a line."""
    name = event.data.state.get("name", event.subject)
    changes = ", ".join(f"{key} {each.before} -> {each.after}" for key, each in event.data.changes.items())
    what = event.type.split(".")[2]
    return f"{event.time:%Y-%m-%d %H:%M:%S} {event.actor} {what} {name} (version {event.version}) {changes}".rstrip()


async def everything(lab: AsyncLabstow) -> dict[str, Resource]:
    """All resources, as the workers answer them."""
    found: dict[str, Resource] = {}
    after: str | None = None
    while True:
        asked: dict[str, Any] = {"removed": None, "limit": 1000} | ({"after": after} if after else {})
        page = await lab.ask(Find(**asked))
        found |= {resource.resource_id: plain(resource) for resource in page.resources}
        if (after := page.next) is None:
            return found


def plain(resource: Resource) -> Resource:
    """A resource as events show it: without children, and its place only as its position."""
    return resource.model_copy(update={"children": None, "index": None})


async def verify(lab: AsyncLabstow, projection: Projection, asked: argparse.Namespace) -> int:
    """Compare the projection with the workers' answers; tell how many resources differ.

    Others may be working meanwhile: what differs is looked at again, for `--patience` seconds.
    """
    answered = await everything(lab)
    unknown = answered.keys() - projection.resources.keys()
    if unknown and not whole(asked):
        print(f"{len(unknown):,} resources were not mentioned since the start: not known, not compared")
        answered = {id: answered[id] for id in answered.keys() - unknown}
    compared = answered.keys() | projection.resources.keys()
    deadline = time.monotonic() + asked.patience
    while differing := [id for id in compared if answered.get(id) != projection.resources.get(id)]:
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(0.1)
        await replay(lab, projection, asked.from_time, quiet=True)
        for id in differing:
            try:
                answered[id] = plain(await lab.ask(Get(resource_id=id, children=False, removed=True)))
            except NotFound:
                answered.pop(id, None)
    for id in differing[:20]:
        print(f"{id} differs: {difference(projection.resources.get(id), answered.get(id))}")
    if differing:
        print(f"NOT verified: {len(differing):,} of {len(compared):,} resources differ")
    else:
        print(f"verified: all {len(compared):,} resources are what the workers answer")
    return len(differing)


def difference(told: Resource | None, answered: Resource | None) -> str:
    """What two versions of a resource do not have in common."""
    if told is None or answered is None:
        return "no event mentions it" if told is None else "no worker knows it"
    mine, theirs = told.model_dump(), answered.model_dump()
    return "; ".join(
        f"{name} is {mine[name]!r} by the events, {theirs[name]!r} by the workers"
        for name in mine
        if mine[name] != theirs[name]
    )


def whole(asked: argparse.Namespace) -> bool:
    """Whether the replay begins at the beginning."""
    return asked.from_seq <= 1 and asked.from_time is None


async def main(asked: argparse.Namespace) -> int:
    """Replay, tell, compare, follow."""
    projection = Projection(position=max(asked.from_seq - 1, 0))
    async with AsyncLabstow(asked.url, actor="replay") as lab:
        start = f"from {asked.from_time}" if asked.from_time else f"from event {projection.position + 1}"
        print(f"replaying {start}")
        await replay(lab, projection, asked.from_time)
        print(*summary(projection), sep="\n")
        if not whole(asked):
            print("what was not mentioned since the start is not known here")
        differing = await verify(lab, projection, asked) if asked.verify else 0
        if asked.follow:
            print("listening; Ctrl-C ends it", flush=True)
            async for position, event in lab.events(after=projection.position, since=asked.from_time):
                projection.apply(position, event)
                print(sentence(projection, event), flush=True)
    return 1 if differing else 0


def moment(text: str) -> datetime:
    """A time as ISO 8601 has it; without a zone it is UTC."""
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def options() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    nats_url = os.environ.get("LABSTOW_NATS_URL", "nats://127.0.0.1:4222")
    parser.add_argument("--url", default=nats_url, help="the NATS server (default: %(default)s)")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--from-seq", type=int, default=1, metavar="N", help="the event to begin with")
    start.add_argument("--from-time", type=moment, metavar="TIME", help="when to begin, such as 2026-11-21T09:00Z")
    parser.add_argument("--follow", action="store_true", help="go on listening")
    parser.add_argument("--verify", action="store_true", help="compare with the workers' answers")
    parser.add_argument(
        "--patience", type=float, default=10.0, metavar="SECONDS", help="how long --verify waits for both to agree"
    )
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(options())))
    except KeyboardInterrupt:
        sys.exit(0)
    except (Gap, Refusal) as trouble:
        sys.exit(f"replay: {trouble}")

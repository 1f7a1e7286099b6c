"""Plans and pictures of the transfer graph: the graph is kept, and made anew when the laboratory moved on; how full
places are is asked at the moment of each plan.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import Numeric, bindparam, func, select

from labstow.contracts.capabilities import Capabilities, CapacityCosts
from labstow.contracts.errors import AnswerTooLarge, Invalid, Refusal
from labstow.contracts.place_errors import NoPath
from labstow.contracts.transfer import GetGraph, GetGraphPicture, PlanTransfer
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.pipeline import Ask, Pipeline, Rows, Statement
from labstow.workers.kit.reader import fetch, snapshot
from labstow.workers.kit.statements import CLOCK
from labstow.workers.resource.tables import resource
from labstow.workers.transfer.loads import VERSION, WHAT_IS_SET
from labstow.workers.transfer.planning.drawing import svg
from labstow.workers.transfer.planning.graph import Graph, edges
from labstow.workers.transfer.planning.levels import Place
from labstow.workers.transfer.planning.plan import Route, Wish, multiplier, plan
from labstow.workers.transfer.planning.why_not import why_not
from labstow.workers.transfer.presence import Presence
from labstow.workers.transfer.reading.ends import ends, find
from labstow.workers.transfer.setting import Setting
from labstow.workers.transfer.tables import location

T = TypeVar("T")

LARGE: Final = 1_000
MAX_EDGES: Final = 200_000
"""So many fit into an answer; a few thousand places that one node reaches would have millions."""
MOST_REASONS: Final = 3
"""Why there is no way, in a picture."""

_live = location.c.removed_at.is_(None)
_nodes = func.array(select(func.jsonb_object_keys(location.c.representations)).correlate(location).scalar_subquery())
PLACES: Final = Statement.of(
    select(location.c.id, location.c.name, location.c.allow_transfers, _nodes, location.c.resource_id).where(_live)
)
_attached = location.join(resource, resource.c.id == location.c.resource_id)
_share = bindparam("share", type_=Numeric)
CROWDED: Final = Statement.of(
    select(location.c.id, resource.c.quantity, resource.c.capacity)
    .select_from(_attached)
    .where(resource.c.quantity >= resource.c.capacity * _share)
)


class Moment(NamedTuple):
    """What a batch of questions is answered from."""

    graph: Graph
    at: Any
    factors: dict[str, Decimal]
    """How much dearer it is to bring something to places that are nearly full, or full."""


class Planner:
    """Answers questions about ways, on a graph that it keeps."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self._graph = Graph((), Capabilities(), -1)
        self._told = b""
        """The graph, as it is told; empty until somebody asks."""

    async def read(self, db: Pipeline, queries: list[Any]) -> list[bytes | Refusal]:
        """Answers to many questions, from one graph, and as full as places are at one moment."""
        now = await self._moment(db)
        return [await self._answer(db, query, now) for query in queries]

    async def _answer(self, db: Pipeline, query: Any, now: Moment) -> bytes | Refusal:
        try:
            match query:
                case PlanTransfer():
                    return await self.plan(db, query, now)
                case GetGraphPicture():
                    return await self._aside(_drawn, now, query)
            return await self._whole(now.graph, query)
        except Refusal as refusal:
            return refusal

    async def plan(self, db: Pipeline, query: PlanTransfer, now: Moment) -> bytes:
        """The best ways.

        Raises:
            NoLocation, NotFound, Removed, AtNoLocation: what is named is not there, or nowhere.
            UnderWay, InGripper, NotAtSource: it is elsewhere.
            NoTransfers: the source or the target takes no part in transfers.
            NoPath: with the reasons.
            PresenceUnknown: which nodes are there matters, and is not known.
        """
        source, targets = await ends(db, now.graph, query)
        wish = await self._wish(now.graph, query, source, targets)
        routes = await self._aside(plan, now.graph, wish, now.factors)
        if not routes:
            raise await self._aside(_no_path, now.graph, wish, query)
        return _shown(now.graph, query, source, routes, now.at)

    async def _whole(self, graph: Graph, query: GetGraph) -> bytes:
        """Every pair of places between which something can go in one step.

        Raises:
            AnswerTooLarge: they would not fit; told before all of them are looked at.
        """
        if query.unless == graph.version:
            return dumps({"lab_version": graph.version, "unchanged": True})
        self._told = self._told or await self._aside(_told, graph)
        return self._told

    async def _aside(self, work: Callable[..., T], *given: Any) -> T:
        """Do what may take long in a thread, and in a small laboratory at once."""
        if len(self._graph.places) < LARGE:
            return work(*given)
        return await asyncio.to_thread(work, *given)

    async def _moment(self, db: Pipeline) -> Moment:
        """The laboratory as it is."""
        config = self._graph.capabilities.capacity_cost_config
        crowded = [Ask(CROWDED, {"share": _least(config)})] if config is not None and config.enabled else []
        ((version,),), ((at,),), *full = await db.exchange(Ask(VERSION), Ask(CLOCK), *crowded)
        if version != self._graph.version:
            async with snapshot(db):
                ((version,),), places, setting = await db.exchange(Ask(VERSION), Ask(PLACES), Ask(WHAT_IS_SET))
            self._graph, self._told = await asyncio.to_thread(_graph, places, setting, version), b""
            config = self._graph.capabilities.capacity_cost_config
            enabled = config is not None and config.enabled
            full = [await fetch(db, CROWDED, {"share": _least(config)})] if enabled else []
        factors = {
            place: factor
            for place, quantity, capacity in (full[0] if full else ())
            if (factor := multiplier(config, quantity, capacity)) != 1
        }
        return Moment(self._graph, at, factors)

    async def _wish(self, graph: Graph, query: PlanTransfer, source: Place, targets: tuple[str, ...]) -> Wish:
        avoid = frozenset(find(graph, key).id for key in query.avoid)
        if source.id in avoid or avoid.issuperset(targets):
            raise Invalid(summary="avoid: the source or the target is among them", errors=[])
        nodes = frozenset(query.nodes) if query.nodes is not None else None
        absent = frozenset(graph.levels.nodes - await self._presence.names()) if query.present else frozenset()
        via = tuple(find(graph, key).id for key in query.via)
        return Wish(source.id, targets, query.k, avoid, via, nodes, absent)


def _least(config: CapacityCosts | None) -> Decimal:
    """From which share of its capacity on a place may count as crowded."""
    known = config or CapacityCosts()
    return min(known.high_capacity_threshold, known.full_capacity_threshold)


def _told(graph: Graph) -> bytes:
    """The graph, as it is told: steps of one kind from one place together."""
    names = {place.id: place.name for place in graph.places if place.allow_transfers}
    fans: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for count, edge in enumerate(edges(graph)):
        if count == MAX_EDGES:
            raise AnswerTooLarge(f"the graph has more than {MAX_EDGES} steps: ask for a plan", limit=MAX_EDGES)
        fans[edge.source_id, edge.nodes, edge.cost, edge.level].append(edge.target_id)
    told = [
        {"source_id": source, "target_ids": targets, "nodes": nodes, "cost": cost, "level": level}
        for (source, nodes, cost, level), targets in fans.items()
    ]
    return dumps({"lab_version": graph.version, "names": names, "edges": told, "unchanged": False})


def _drawn(now: Moment, query: GetGraphPicture) -> bytes:
    """The graph as a drawing, with the best way between two places, if they are named, or why there is none."""
    if query.source is None or query.target is None:
        return dumps({"svg": svg(now.graph)})
    source, target = find(now.graph, query.source), find(now.graph, query.target)
    wish = Wish(source.id, (target.id,))
    if routes := plan(now.graph, wish, now.factors):
        return dumps({"svg": svg(now.graph, routes[0].way)})
    reasons = [each.sentence for each in why_not(now.graph, wish)[:MOST_REASONS]]
    return dumps({"svg": svg(now.graph, told=[f"There is no way from {source.name} to {target.name}.", *reasons])})


def _graph(places: Rows, setting: Rows, version: int) -> Graph:
    capabilities = Setting._make(setting[0]).capabilities if setting else {}
    known = (Place(id_, name, allow, frozenset(nodes), attached) for id_, name, allow, nodes, attached in places)
    return Graph(known, Capabilities.model_validate(capabilities), version)


def _no_path(graph: Graph, wish: Wish, query: PlanTransfer) -> NoPath:
    reasons: list[dict[str, Any]] = [each.model_dump(mode="json") for each in why_not(graph, wish)]
    to = graph.place(wish.targets[0]).name if query.free_in_class is None else f"any {query.free_in_class} with room"
    return NoPath(source=graph.place(wish.source).name, target=to, why_not=reasons)


def _shown(graph: Graph, query: PlanTransfer, source: Place, routes: tuple[Route, ...], now: Any) -> bytes:
    target = routes[0].target
    ends = {"source_id": source.id, "source": source.name, "target_id": target.id, "target": target.name}
    ways = [route.way.model_dump() for route in routes]
    return dumps({"lab_version": graph.version, "at": now, **ends, "resource_id": query.resource_id, "ways": ways})

"""What a resource worker answers about resources, and from which lanes."""

from functools import partial
from typing import Any, Final

from labstow.contracts.message import Request
from labstow.contracts.queries import QUERIES, Find, FindFree, Get, GetHierarchy, GetTree, Where
from labstow.workers.kit.lane import Lane
from labstow.workers.kit.reader import Reader, one_by_one
from labstow.workers.kit.settings import Settings
from labstow.workers.kit.worker import Worker
from labstow.workers.resource.reading.find import find
from labstow.workers.resource.reading.find_past import find_past
from labstow.workers.resource.reading.free import find_free
from labstow.workers.resource.reading.get import get, get_past
from labstow.workers.resource.reading.hierarchy import hierarchy, hierarchy_past
from labstow.workers.resource.reading.known import Known
from labstow.workers.resource.reading.where import where, where_past

GETS_IN_A_BATCH: Final = 256
WALKS_IN_A_BATCH: Final = 64
SEARCHERS: Final = 4
HISTORIANS: Final = 2
SLOWEST_SEARCH_S: Final = 30


def serve(worker: Worker, settings: Settings) -> Lane:
    """Have a worker answer questions about resources.

    What is found by id is gathered. What is searched for is answered side by side, each search on a connection of its
    own; so is what was at a moment. Neither waits for the other. Gives the lane of what is found by id.
    """
    url, room, known = settings.postgres_url, settings.queue_room, Known()
    gets = Reader(url, partial(get, known), opened=known.forget)
    hierarchies, wheres = Reader(url, hierarchy), Reader(url, where)
    finding = one_by_one({Find: partial(find, known), FindFree: find_free})
    remembering = one_by_one(
        {Get: get_past, GetTree: get_past, Find: find_past, GetHierarchy: hierarchy_past, Where: where_past}
    )
    finders = [
        Reader(url, finding, timeout_s=SLOWEST_SEARCH_S, searching=True, opened=known.forget) for _ in range(SEARCHERS)
    ]
    historians = [Reader(url, remembering, timeout_s=SLOWEST_SEARCH_S) for _ in range(HISTORIANS)]
    lanes: dict[type[Request[Any]], Lane] = {
        Get: (getting := worker.lane(Lane(gets.run, room=room, limit=GETS_IN_A_BATCH))),
        GetTree: getting,
        GetHierarchy: worker.lane(Lane(hierarchies.run, room=room, limit=WALKS_IN_A_BATCH)),
        Where: worker.lane(Lane(wheres.run, room=room, limit=WALKS_IN_A_BATCH)),
        Find: (searching := worker.lane(Lane(*(finder.run for finder in finders), room=room))),
        FindFree: searching,
    }
    past = worker.lane(Lane(*(historian.run for historian in historians), room=room))

    def lane_of(query: Request[Any]) -> Lane:
        return lanes[type(query)] if getattr(query, "as_of", None) is None else past

    for query in QUERIES:
        worker.serve(query, lane_of)
    worker.closing += [reader.close for reader in (gets, hierarchies, wheres, *finders, *historians)]
    return getting

"""One resource with everything in it, in full or in short; asked for together with others."""

from typing import Final

from labstow.contracts.errors import Refusal
from labstow.contracts.queries import Get, GetTree
from labstow.workers.kit.journal import dumps
from labstow.workers.kit.pipeline import Pipeline, Statement
from labstow.workers.resource.reading import past
from labstow.workers.resource.reading.known import Known
from labstow.workers.resource.reading.nodes import Inside, Node, alone, branch, present, tree
from labstow.workers.resource.reading.walks import rows_of

ROWS: Final = Statement.of(rows_of())


async def get(known: Known, db: Pipeline, queries: list[Get | GetTree]) -> list[bytes | Refusal]:
    """Answers to many queries, all as of one moment, whatever they ask for."""
    ids = list({query.resource_id for query in queries})
    open_ids = list({query.resource_id for query in queries if not isinstance(query, Get) or query.children})
    found = await known.read(db, ROWS, {"ids": ids, "open": open_ids})
    roots = {root.id: root for root in found.roots}
    return [_answer(query, roots.get(query.resource_id), found.inside) for query in queries]


async def get_past(db: Pipeline, query: Get | GetTree) -> bytes:
    """The same, as it was at a moment.

    Raises:
        NotFound, Removed: it did not exist yet, or not any more.
    """
    at = past.moment(query)
    found = await past.contents(db, [query.resource_id], at)
    return _shown(query, found.roots[0] if found.roots else None, found.inside)


def _answer(query: Get | GetTree, asked: Node | None, inside: Inside) -> bytes | Refusal:
    try:
        return _shown(query, asked, inside)
    except Refusal as refusal:
        return refusal


def _shown(query: Get | GetTree, asked: Node | None, inside: Inside) -> bytes:
    if isinstance(query, GetTree):
        return dumps(branch(present(query.resource_id, asked), inside))
    root = present(query.resource_id, asked, removed=query.removed)
    return tree(root, inside) if query.children else alone(root)

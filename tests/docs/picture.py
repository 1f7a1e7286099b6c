"""The picture of the transfer graph on the page about transfers, drawn by labstow. To draw it anew:
`.venv/bin/python -m tests.docs.picture`.
"""

from typing import Final

import orjson

from labstow.contracts.location import AddLocation
from labstow.contracts.transfer import Configure, GetGraphPicture
from labstow.contracts.ulids import new_ulid
from labstow.workers.transfer.planning.drawing import svg
from labstow.workers.transfer.planning.graph import Graph
from labstow.workers.transfer.planning.levels import Place
from labstow.workers.transfer.planning.plan import Wish, plan
from tests.docs.pages import ROOT, blocks

PAGE: Final = ROOT / "docs" / "transfers.md"
PICTURE: Final = ROOT / "docs" / "transfer-graph.svg"


def drawn() -> str:
    """What labstow draws of the places and templates of the page."""
    asked = {block.claim[0]: block.text for block in blocks(PAGE, "json")}
    added = [
        AddLocation.model_validate_json(block.text).location
        for block in blocks(PAGE, "json")
        if block.claim[0] == AddLocation.subject
    ]
    places = [
        Place(one.location_id or new_ulid(), one.name, one.allow_transfers, frozenset(one.representations))
        for one in added
    ]
    graph = Graph(places, Configure.model_validate_json(asked[Configure.subject]).capabilities, 0)
    ends = orjson.loads(asked[GetGraphPicture.subject])
    source, target = (next(each.id for each in places if each.name == ends[end]) for end in ("source", "target"))
    (best,) = plan(graph, Wish(source, (target,)), {})
    return svg(graph, best.way)


if __name__ == "__main__":
    PICTURE.write_text(drawn())

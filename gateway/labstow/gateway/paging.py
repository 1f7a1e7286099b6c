"""Reading what comes in pages."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Request

from labstow.contracts.errors import AnswerTooLarge
from labstow.gateway.edge import Refused, ask


async def page(request: Request, verb: str, query: Mapping[str, Any], size: int) -> tuple[dict[str, Any], int]:
    """Ask for a page of at most `size` things, or fewer if they do not fit into one message; and tell how many.

    One thing with so much in it that it does not fit alone is read without that, and marked `unread`: nobody else's
    answer should fail for it.

    Raises:
        Refused: the worker said no, or one thing alone is too large.
    """
    wanted, asked = size, dict(query)
    while True:
        try:
            read: dict[str, Any] = orjson.loads(await ask(request, verb, {**asked, "limit": size}))
        except Refused as refused:
            if refused.reply.code != AnswerTooLarge.code or (size == 1 and not asked.get("children")):
                raise
            if size == 1:
                asked["children"] = False
            size = max(1, size // 4)
            continue
        if query.get("children") and not asked["children"]:
            read["resources"] = [{**thing, "unread": True} for thing in read["resources"]]
            return read, wanted
        return read, size

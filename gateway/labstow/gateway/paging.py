"""Reading what comes in pages."""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Request

from labstow.contracts.errors import AnswerTooLarge
from labstow.gateway.edge import Refused, ask


async def page(request: Request, verb: str, query: Mapping[str, Any], size: int) -> tuple[dict[str, Any], int]:
    """Ask for a page of at most `size` things, or fewer if they do not fit into one message; and tell how many.

    Raises:
        Refused: the worker said no, or one thing alone is too large.
    """
    while True:
        try:
            return orjson.loads(await ask(request, verb, {**query, "limit": size})), size
        except Refused as refused:
            if refused.reply.code != AnswerTooLarge.code or size == 1:
                raise
            size = max(1, size // 4)

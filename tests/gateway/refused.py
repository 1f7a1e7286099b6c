"""What bad input is answered with."""

from typing import Final

import httpx

ADD: Final = "/resource/add"


async def assert_refused(rest: httpx.AsyncClient, answer: httpx.Response, *statuses: int) -> None:
    """A sentence, one of these statuses, and nobody harmed: the next request is served."""
    assert answer.status_code in statuses, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    assert isinstance(answer.json()["detail"], str)
    assert "Traceback" not in answer.text
    assert (await rest.post(ADD, json={"resource_name": "next"})).status_code == 200

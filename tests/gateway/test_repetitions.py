"""Bad input 17, I33: a client that sends a request again by itself, since it learned no outcome, asks for it once."""

from typing import Final

import httpx
import pytest

from labstow.contracts import headers
from labstow.contracts.errors import OutcomeUnknown
from labstow.gateway import repetitions
from labstow.gateway.cookies import CLIENT
from tests.gateway.conftest import Connect
from tests.gateway.lab import ID, WrittenLab, thing

DECREASE: Final = f"/resource/{ID}/quantity/decrease?amount=1"


def operations(lab: WrittenLab) -> list[str]:
    """The ids of all operations that were asked for."""
    return [heads[headers.OP_ID] for heads in lab.heads]


def forgets(lab: WrittenLab) -> None:
    """The outcome of the next command is not known."""
    lab.workers["resource.decrease-quantity"] = OutcomeUnknown(subject="x", op_id=ID)


def answers(lab: WrittenLab) -> None:
    """The next command is answered."""
    lab.workers["resource.decrease-quantity"] = lambda _: thing()


@pytest.fixture
def lab() -> WrittenLab:
    return WrittenLab()


@pytest.fixture
async def client(http: Connect, lab: WrittenLab) -> httpx.AsyncClient:
    """A client that has been here before."""
    known = http(lab)
    await known.get("/definition")
    assert CLIENT in known.cookies
    return known


async def test_what_is_sent_again_is_the_same_operation(client: httpx.AsyncClient, lab: WrittenLab) -> None:
    """As often as it takes; and what is sent after an answer is another one. Seen to fail: each was another one."""
    forgets(lab)
    for _ in range(2):
        assert (await client.post(DECREASE)).status_code == 504
    answers(lab)
    for _ in range(2):
        assert (await client.post(DECREASE)).status_code == 200
    first, second, third, fourth = operations(lab)[-4:]
    assert first == second == third != fourth


async def test_several_at_once_are_several() -> None:
    """From threads of one client, all the same to the letter. Seen to fail with one kept for all."""
    known = repetitions.Repetitions()
    for op_id in "abc":
        known.note(b"take one", op_id)
    assert [known.again(b"take one") for _ in range(4)] == ["a", "b", "c", None]


async def test_another_request_or_another_client_repeats_nothing(
    client: httpx.AsyncClient, http: Connect, lab: WrittenLab
) -> None:
    forgets(lab)
    await client.post(DECREASE)
    answers(lab)
    await client.post(DECREASE.replace("=1", "=2"))
    await client.post(DECREASE.replace("decrease", "increase"))
    cookie = client.cookies.pop(CLIENT)
    await client.post(DECREASE)
    client.cookies.clear()
    client.cookies[CLIENT] = cookie
    await client.post(DECREASE)
    unknown, *others, again = operations(lab)[-5:]
    assert unknown == again
    assert unknown not in others


async def test_a_key_of_the_callers_own_is_not_touched(client: httpx.AsyncClient, lab: WrittenLab) -> None:
    forgets(lab)
    await client.post(DECREASE)
    await client.post(DECREASE, headers={"Idempotency-Key": ID})
    assert operations(lab)[-1] == ID


async def test_after_a_while_it_is_another_intent(
    client: httpx.AsyncClient, lab: WrittenLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repetitions, "WITHIN_S", 0)
    forgets(lab)
    for _ in range(2):
        await client.post(DECREASE)
    one, other = operations(lab)[-2:]
    assert one != other


async def test_not_more_is_kept_than_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repetitions, "ROOM", 2)
    known = repetitions.Repetitions()
    for number in range(3):
        known.note(bytes([number]), str(number))
    assert [known.again(bytes([number])) for number in range(3)] == [None, "1", "2"]
    assert not known

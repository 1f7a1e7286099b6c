"""Many commands as one, over REST."""

from labstow.contracts.errors import Insufficient
from tests.gateway.conftest import Connect
from tests.gateway.lab import ID, WrittenLab

STEPS = {"steps": [{"verb": "decrease-quantity", "command": {"resource_id": ID, "amount": "0.5"}}], "reason": "assay"}


async def test_a_batch_goes_to_the_worker_and_its_answers_come_back_as_they_are(http: Connect) -> None:
    lab = WrittenLab(resource_batch=lambda _: {"answers": [{"quantity": "0.5"}]})
    answer = await http(lab).post("/batch", json=STEPS)
    assert (answer.status_code, answer.json()) == (200, {"answers": [{"quantity": "0.5"}]})
    assert lab.asked == [("resource.batch", STEPS)]


async def test_a_batch_that_is_refused_or_unknown_is_a_problem(http: Connect) -> None:
    lab = WrittenLab(resource_batch=Insufficient(name="PBS", available="0.2", asked="0.5"))
    assert (await http(lab).post("/batch", json=STEPS)).status_code == 409
    unknown = {"steps": [{"verb": "burn", "command": {"resource_id": ID}}]}
    answer = await http(WrittenLab(resource_batch=lambda _: {})).post("/batch", json=unknown)
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")

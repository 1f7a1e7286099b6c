"""Stopping `labstow up` under load: whoever was heard is answered, and what was answered is kept."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.infra.running import eventually, labstow_up
from tests.servers import short_folder

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

CALLERS = 8


class Caller(threading.Thread):
    """Adds one resource after the other, until nobody listens any more."""

    def __init__(self, url: str, number: int) -> None:
        super().__init__()
        self.address = urlsplit(url).netloc
        self.number = number
        self.added: list[str] = []
        self.unheard: list[str] = []

    def run(self) -> None:
        while True:
            name = f"plate-{self.number}-{len(self.added)}"
            connection = http.client.HTTPConnection(self.address, timeout=30)
            try:
                connection.connect()
            except OSError:
                return  # the door is closed; nothing was asked
            try:
                plate = json.dumps({"resource_name": name, "base_type": "asset"})
                connection.request("POST", "/resource/add", plate)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as problem:
                self.unheard.append(f"{name}: {problem!r}")
                return
            finally:
                connection.close()
            assert answer.status == 200, answer.status
            self.added.append(name)


@contextmanager
def callers(url: str) -> Iterator[list[Caller]]:
    """Callers that are at work; they end when nobody listens."""
    busy = [Caller(url, number) for number in range(CALLERS)]
    for caller in busy:
        caller.start()
    yield busy
    for caller in busy:
        caller.join(30)


def test_a_stop_under_load_answers_whoever_was_heard(postgres_url: str) -> None:
    given = {"LABSTOW_POSTGRES_URL": postgres_url}
    with short_folder() as folder, labstow_up(folder, environ=given) as up:
        up.wait_until_ready()
        with callers(up.url) as busy:
            eventually(lambda: min(len(caller.added) for caller in busy) > 20, "every caller is at work", 20)
            assert up.stop() == 0
    assert [caller.unheard for caller in busy if caller.unheard] == []
    with psycopg.connect(postgres_url) as connection:
        kept = {name for (name,) in connection.execute("select name from labstow.resource")}
    assert kept >= {name for caller in busy for name in caller.added}

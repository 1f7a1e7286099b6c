"""I50: whatever is killed when, the stream has every committed entry exactly once and in order, and nothing else.

Eight writers, two relay processes. At random: kill -9 of a relay, of NATS, of Postgres; the leader's session ended;
a relay stopped (SIGSTOP) while its session ends and another one leads, then woken up with what it had claimed. The
stream's own memory of message ids is a tenth of a second here, so that it cannot hide a repetition.

    LABSTOW_CHAOS_SECONDS=300     longer than the usual 30
    LABSTOW_CHAOS_SEED=7          what is done, again (not when: that is up to the machine)
    LABSTOW_CHAOS_WITHOUT=fence   a guard of the relay taken out, see `relay_process`; the test must fail

Seen to fail without a guard, in 20 s each, seeds 1 and 2:

    settling   both: 105 and 779 events were there twice
    order      both: versions of a thing out of order
    fence      seed 1: 222 events were there twice; seed 2 passed, as no relay happened to be put to sleep between
               claiming and publishing. `test_a_leader_who_wakes_up_late_cannot_publish` in `tests/workers` does
               just that, with and without the fence, in every run.

And, in about one run of 30 s in six, with a refusal of the stream taken for an acknowledgement (both have a
sequence): 2,139 committed entries were not in the stream. `test_a_batch_that_arrived_late_is_not_lost_or_repeated`
does that in every run.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import nats
import psycopg
import pytest

from labstow.contracts.ulids import new_ulid
from labstow.workers.kit import stream
from labstow.workers.kit.database import upgrade
from tests.servers import Servers, running_servers
from tests.workers.journals import LEADERS, check, committed, entry, stored, unpublished, write

SECONDS = float(os.environ.get("LABSTOW_CHAOS_SECONDS", "30"))
SEED = int(os.environ.get("LABSTOW_CHAOS_SEED", "0")) or random.randrange(1, 1_000_000)
WITHOUT = os.environ.get("LABSTOW_CHAOS_WITHOUT", "")
ROOT = Path(__file__).parents[2]


class Undone(Exception):
    """A writer changed its mind."""


class Writers:
    """Eight threads that write versions of a few things, some transactions slow, some rolled back."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.things = [new_ulid() for _ in range(15)]
        self.undone: set[str] = set()
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.work) for _ in range(8)]

    def work(self) -> None:
        while not self.stop.is_set():
            with suppress(psycopg.Error), psycopg.connect(self.url, connect_timeout=2) as connection:
                while not self.stop.wait(0.01):
                    self.once(connection)
            self.stop.wait(0.05)

    def once(self, connection: psycopg.Connection) -> None:
        entries = [entry(thing, random.randint(1, 3)) for thing in random.sample(self.things, random.randint(1, 3))]
        with suppress(Undone), connection.transaction():
            write(connection, *entries)
            if random.random() < 0.1:
                connection.execute("select pg_sleep(0.03)")  # others commit later entries first
            if random.random() < 0.2:
                self.undone.update(each for entry in entries for each in entry["ids"])
                raise Undone


class Relays:
    """Two relay processes."""

    def __init__(self, postgres_url: str, nats_url: str) -> None:
        self.command = [sys.executable, "-m", "tests.system.relay_process", postgres_url, nats_url, WITHOUT]
        self.running = [self.start(), self.start()]

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command, cwd=ROOT, stderr=subprocess.DEVNULL)

    def kill(self, number: int) -> None:
        self.running[number].kill()
        self.running[number].wait()

    def replace(self, number: int) -> None:
        self.kill(number)
        self.running[number] = self.start()

    def signal(self, number: int, what: signal.Signals) -> None:
        self.running[number].send_signal(what)


@pytest.fixture
def servers() -> Iterator[Servers]:
    """Servers that nobody else needs."""
    with running_servers() as running:
        yield running


def end_leader(url: str) -> None:
    with suppress(psycopg.Error), psycopg.connect(url, autocommit=True, connect_timeout=2) as connection:
        connection.execute(f"select pg_terminate_backend(pid) from ({LEADERS}) leaders")


def claimed(url: str) -> bool:
    with suppress(psycopg.Error), psycopg.connect(url, connect_timeout=2) as connection:
        return connection.execute("select from labstow.outbox where claimed").fetchone() is not None
    return False


def harm(what: str, servers: Servers, relays: Relays, url: str, wait: threading.Event, chance: random.Random) -> None:
    one = chance.randrange(2)
    match what:
        case "relay":
            relays.replace(one)
        case "nats":
            servers.nats.kill()
            wait.wait(chance.uniform(0, 0.5))
            servers.nats.start()
        case "postgres":
            servers.postgres.kill()
            wait.wait(chance.uniform(0, 0.5))
            servers.postgres.start()
        case "session":
            end_leader(url)
        case "sleep":
            for _ in range(30):  # one of them leads: stop it with a batch in its hands
                for number in (0, 1):
                    relays.signal(number, signal.SIGSTOP)
                if claimed(url):
                    break
                for number in (0, 1):
                    relays.signal(number, signal.SIGCONT)
                wait.wait(0.02)
            end_leader(url)
            relays.signal(one, signal.SIGCONT)
            wait.wait(1.5)  # time enough to take over, if it was the other one
            relays.signal(1 - one, signal.SIGCONT)


async def make_stream(nats_url: str) -> None:
    client = await nats.connect(nats_url)
    await client.jetstream().add_stream(stream.settings().evolve(duplicate_window=0.1))
    await client.close()


@pytest.mark.chaos
@pytest.mark.timeout(SECONDS + 150)
def test_the_relay_publishes_every_committed_entry_once_and_in_order(servers: Servers) -> None:
    """I50, with 8 writers, under `kill -9` of everything."""
    url, chance, never, done = servers.postgres.url, random.Random(SEED), threading.Event(), Counter[str]()
    upgrade(url)
    asyncio.run(make_stream(servers.nats.url))
    writers, relays = Writers(url), Relays(url, servers.nats.url)
    try:
        for thread in writers.threads:
            thread.start()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            never.wait(chance.uniform(0.2, 1.2))
            what = chance.choice(["relay", "relay", "nats", "postgres", "session", "sleep", "sleep"])
            harm(what, servers, relays, url, never, chance)
            done[what] += 1
        writers.stop.set()
        for thread in writers.threads:
            thread.join()
        end = time.monotonic() + 60
        while (left := unpublished(url)) and time.monotonic() < end:
            never.wait(0.1)
    finally:
        writers.stop.set()
        for number in (0, 1):
            relays.kill(number)
    rows, events = committed(url), asyncio.run(stored(servers.nats.url))
    print(f"seed {SEED}: {dict(done)}; {len(rows)} entries committed, {len(writers.undone)} undone")
    assert left == 0
    assert len(rows) > 20 * SECONDS
    assert not writers.undone & {event.id for event in events}
    check(events, rows)

"""`labstow up`: everything on one machine, from nothing to ready, until somebody says stop."""

import os
from collections.abc import Callable
from pathlib import Path

from labstow.infra import environment, migrations
from labstow.infra.directory import DataDirectory
from labstow.infra.plan import Options, Plan
from labstow.infra.progress import Progress
from labstow.infra.refusal import CannotStart
from labstow.infra.signals import Signals
from labstow.infra.supervisor import StopAsked, Supervisor

READY_PATIENCE = 60
DRAIN_PATIENCE = 20


def up(options: Options) -> None:
    """Run until SIGINT or SIGTERM, then stop everything in order.

    Raises:
        CannotStart: something is in the way; what was started has been stopped.
    """
    progress = Progress()
    environment.check(os.environ)
    seed = _checked(options.lab) if options.lab else None
    progress.done("settings")
    with Signals() as signals, DataDirectory(options.data) as data:
        data.clear_leftovers()
        plan = Plan(options, data)

        def remember() -> None:
            data.remember(plan.urls, supervisor.processes)

        supervisor = Supervisor(signals, remember, progress.note)
        try:
            _start(plan, supervisor, progress)
            if seed:
                seed(plan.nats_url, progress)
            progress.ready({**plan.urls, "logs": str(data.log("*").parent)})
            supervisor.serve()
        except StopAsked:
            progress.note("Stopping.")
        finally:
            _stop(plan, supervisor)
            data.forget()


def _start(plan: Plan, supervisor: Supervisor, progress: Progress) -> None:
    """Start everything; what does not need each other starts at the same time."""
    if not plan.nats:  # somebody else's: if it cannot be used, that is to be said before anything else is done
        _stream(plan, progress)
    for server in plan.servers:
        supervisor.add(server)
    if plan.nats:
        supervisor.wait_for(plan.nats, READY_PATIENCE)
        progress.done(plan.nats.name)
    for process in [*plan.gateways, *plan.workers]:  # the workers wait for the schema
        supervisor.add(process)
    for server in plan.servers:
        if server is not plan.nats:
            supervisor.wait_for(server, READY_PATIENCE)
            progress.done(server.name)
    if plan.postgres and migrations.done(plan.postgres_url):
        progress.done("database schema")
    else:
        _schema(plan, progress)
        if plan.nats:  # later, a worker sees to it
            _stream(plan, progress)
    for gateway in plan.gateways:
        supervisor.wait_for(gateway, READY_PATIENCE)
    progress.done("workers and gateway")


def _schema(plan: Plan, progress: Progress) -> None:
    from labstow.infra import prepare  # noqa: PLC0415  (slow, and seldom needed)

    prepare.schema(plan.postgres_url)
    progress.done("database schema")


def _stream(plan: Plan, progress: Progress) -> None:
    from labstow.infra import prepare  # noqa: PLC0415  (slow, and seldom needed)

    prepare.stream(plan.nats_url)
    progress.done("event stream")


def _checked(file: Path) -> Callable[[str, Progress], None]:
    """Give what adds a lab file to the laboratory, once that runs: a file that cannot be used is to be said before."""
    from labstow.infra.lab import commands  # noqa: PLC0415  (slow, and seldom needed)

    lab = commands.load(file)

    def seed(nats_url: str, progress: Progress) -> None:
        try:
            progress.done(commands.seed(lab, nats_url))
        except CannotStart as problem:  # the laboratory that was there before goes on
            progress.note(f"lab: nothing was added: {problem}")

    return seed


def _stop(plan: Plan, supervisor: Supervisor) -> None:
    """Stop in the order in which nobody loses what it still needs."""
    supervisor.stop(plan.gateways, DRAIN_PATIENCE)
    supervisor.stop(plan.workers, DRAIN_PATIENCE)
    for server in plan.servers:
        supervisor.stop([server], DRAIN_PATIENCE)

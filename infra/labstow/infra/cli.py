"""The command `labstow`."""

import importlib.metadata
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from labstow.infra.refusal import CannotStart

try:
    import typer
except ModuleNotFoundError as missing:  # the base installation has the command, but nothing it could run
    raise SystemExit("The command labstow needs more than a node does: pip install 'labstow[server]'") from missing

app = typer.Typer(
    help="Keeps a laboratory's resources and their history.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
database = typer.Typer(help="The database.", no_args_is_help=True)
app.add_typer(database, name="db")
lab = typer.Typer(help="Lab files: check one, compare it with a running labstow, apply it.", no_args_is_help=True)
app.add_typer(lab, name="lab")

Host = Annotated[str | None, typer.Option(help="Address the gateway listens on. [default: LABSTOW_HOST or 127.0.0.1]")]
Port = Annotated[
    int | None,
    typer.Option(min=1, max=65535, help="Port of the (first) gateway. [default: LABSTOW_PORT or 8003]"),
]
LabFile = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="The lab file, in YAML.")]
Url = Annotated[str, typer.Option(help="The running labstow: its gateway, or nats://...")]
GATEWAY = "http://127.0.0.1:8003"
Full = Annotated[bool, typer.Option("--full", help="Show all of a long value, not what differs in it.")]


@contextmanager
def one_sentence() -> Iterator[None]:
    """Turn what is in the way into one sentence and exit status 1."""
    try:
        yield
    except CannotStart as refusal:
        typer.secho(f"labstow: {refusal}", err=True, fg=typer.colors.RED)
        raise typer.Exit(1) from refusal
    except ModuleNotFoundError as missing:
        if (missing.name or "labstow").partition(".")[0] == "labstow":
            raise
        sentence = f"labstow: {missing.name} is not installed: pip install 'labstow[server]'"
        typer.secho(sentence, err=True, fg=typer.colors.RED)
        raise typer.Exit(1) from missing


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"labstow {importlib.metadata.version('labstow')}")
        raise typer.Exit


@app.callback()
def labstow(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Keeps a laboratory's resources and their history."""


@app.command()
def up(
    data: Annotated[Path, typer.Option(help="Directory that keeps everything.")] = Path(".labstow"),
    host: Host = None,
    port: Port = None,
    replicas: Annotated[int, typer.Option(min=1, max=16, help="Processes of workers, and of gateways.")] = 1,
    nats_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port of NATS. [default: last time's, else 4222, if free]"),
    ] = None,
    lab: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="A lab file; what is absent of it is added."),
    ] = None,
) -> None:
    """Start everything on this machine: servers, workers and gateway. Ctrl-C stops it."""
    with one_sentence():
        from labstow.infra.plan import Options
        from labstow.infra.up import up

        up(Options(data, host, port, replicas, nats_port, lab))


@app.command()
def worker(
    kinds: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Kinds; all, if none.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for a database that is not ready yet.")] = False,
) -> None:
    """Run workers of these kinds in this process: resource, history, lock, transfer."""
    with one_sentence():
        from labstow.infra.work import work

        work(kinds or [], wait=wait)


@app.command()
def gateway(
    host: Host = None,
    port: Port = None,
) -> None:
    """Run a gateway: REST in front of the workers."""
    with one_sentence():
        from labstow.infra.serve import serve

        serve(host, port)


@database.command()
def upgrade() -> None:
    """Bring the database to the schema of this version."""
    with one_sentence():
        from labstow.infra import environment, prepare
        from labstow.workers.kit.settings import Settings

        environment.check(os.environ)
        prepare.schema(Settings().postgres_url)


@database.command()
def current() -> None:
    """Show the schema the database is at."""
    with one_sentence():
        from labstow.infra import environment, prepare
        from labstow.workers.kit.settings import Settings

        environment.check(os.environ)
        typer.echo(prepare.current(Settings().postgres_url) or "none")


@database.command()
def restored(
    data: Annotated[
        Path | None, typer.Option(help="A directory of `labstow up`, where nothing runs, with its own database.")
    ] = None,
) -> None:
    """Once after restoring a backup, before workers start: end all leases and raise all tokens.

    The database knows nothing of what was locked since the backup was made.
    Leases that were over would be in force again, and tokens that were given
    would be given once more, to others. So every lease ends, every line is
    emptied, and each token rises above any that the thing may have had. This
    goes by the clock of the database, which must be right.

    If it was forgotten, do it as soon as you notice, even while workers run.
    To do it twice does no harm.
    """
    with one_sentence():
        from labstow.infra.restored import restored

        restored(data)


@lab.command()
def check(
    file: LabFile,
    strict: Annotated[bool, typer.Option("--strict", help="Take warnings for mistakes.")] = False,
) -> None:
    """Tell every mistake in a lab file, with its line. Exit 1 if there is one."""
    with one_sentence():
        from labstow.infra.lab import commands

        if not commands.check(file, strict=strict):
            raise typer.Exit(1)


@lab.command()
def diff(file: LabFile, url: Url = GATEWAY, full: Full = False) -> None:
    """Tell what a lab file says otherwise than the laboratory. Changes nothing."""
    with one_sentence():
        from labstow.infra.lab import commands

        commands.diff(file, url, full=full)


@lab.command()
def apply(
    file: LabFile,
    url: Url = GATEWAY,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    replace_templates: Annotated[
        bool, typer.Option("--replace-templates", help="Make other resource templates next versions, too.")
    ] = False,
    full: Full = False,
) -> None:
    """Bring the laboratory to what a lab file says. What was taught is kept, and nothing is removed."""
    with one_sentence():
        from labstow.infra.lab import commands

        commands.apply(file, url, yes=yes, replace_templates=replace_templates, full=full)


@lab.command()
def export(url: Url = GATEWAY) -> None:
    """Write the laboratory as a lab file."""
    with one_sentence():
        from labstow.infra.lab import commands

        typer.echo(commands.export(url), nl=False)


if __name__ == "__main__":
    app()

"""What runs where: programs find again what they were told."""

import socket
from pathlib import Path

from labstow.infra import ports
from labstow.infra.directory import DataDirectory
from labstow.infra.embedded.nats import NatsServer, port_of
from labstow.infra.plan import Options, Plan


def test_nats_is_where_it_was_last_time_unless_somebody_else_is_there_by_now(tmp_path: Path) -> None:
    folder, port = tmp_path / "nats", ports.any_free()
    assert port_of(folder) is None
    NatsServer(folder, tmp_path / "nats.log", lambda: port).prepare()
    assert port_of(folder) == port

    options = Options(tmp_path, port=ports.any_free())
    with DataDirectory(tmp_path) as data:
        again = Plan(options, data).nats
        assert again
        assert again.port == port
        with socket.create_server(("127.0.0.1", port)):
            elsewhere = Plan(options, data).nats
            assert elsewhere
            assert elsewhere.port != port

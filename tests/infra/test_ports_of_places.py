"""The gateway's second port, where MADSci's location clients look."""

import socket

import pytest

from labstow.gateway.settings import GatewaySettings
from labstow.infra import ports, serve
from labstow.infra.refusal import CannotStart


@pytest.fixture
def usual(monkeypatch: pytest.MonkeyPatch) -> GatewaySettings:
    """The usual settings, of a laboratory whose usual ports are free."""
    first, second = ports.any_free(), ports.any_free()
    monkeypatch.setattr(serve, "USUAL", GatewaySettings.model_construct(port=first, location_port=second))
    return GatewaySettings.model_construct({"port"}, port=first, location_port=second)


def opened(settings: GatewaySettings) -> list[int]:
    """The ports that are taken beside the first."""
    first, *listeners = serve.doors(settings)
    first.close()
    found = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return found


def test_the_port_of_places_comes_with_the_usual_port(usual: GatewaySettings) -> None:
    assert opened(usual) == [serve.USUAL.location_port]


def test_whoever_chooses_another_port_chooses_the_other_as_well(usual: GatewaySettings) -> None:
    other, chosen = ports.any_free(), ports.any_free()
    assert opened(usual.model_copy(update={"port": other})) == []
    assert opened(GatewaySettings(port=other, location_port=chosen)) == [chosen]
    assert opened(GatewaySettings(port=usual.port, location_port=0)) == []


def test_a_port_that_is_in_use_is_an_obstacle_only_if_it_was_asked_for(usual: GatewaySettings) -> None:
    taken = ("127.0.0.1", usual.location_port)
    with socket.create_server(taken):
        assert opened(usual) == []
        with pytest.raises(CannotStart, match="LABSTOW_LOCATION_PORT"):
            opened(GatewaySettings(port=usual.port, location_port=taken[1]))

"""Every setting with our prefix is known and possible, or nothing starts."""

import pytest
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from labstow.infra import environment
from labstow.infra.refusal import CannotStart


class Oven(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="LABSTOW_")

    degrees: int = 20
    door: str = Field("shut", validation_alias=AliasChoices("LABSTOW_DOOR", "OVEN_DOOR"))


def test_known_settings_and_those_of_others_pass() -> None:
    environment.check({"LABSTOW_DEGREES": "1", "LABSTOW_DOOR": "open", "HOME": "/"}, [Oven])


def test_a_setting_that_nobody_knows_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(CannotStart, match=r"LABSTOW_DEGRES is not a setting of labstow. Did you mean LABSTOW_DEGREES"):
        environment.check({"LABSTOW_DEGRES": "1"}, [Oven])


def test_one_that_resembles_nothing_is_refused() -> None:
    with pytest.raises(CannotStart, match=r"LABSTOW_XYZZY is not a setting of labstow\.$"):
        environment.check({"LABSTOW_XYZZY": ""}, [Oven])


def test_an_impossible_value_is_refused_by_the_name_of_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABSTOW_DEGREES", "hot")
    with pytest.raises(CannotStart, match=r"LABSTOW_DEGREES is wrong: .*integer"):
        environment.check({}, [Oven])


def test_the_settings_of_workers_and_gateway_are_known() -> None:
    environment.check({"LABSTOW_NATS_URL": "", "LABSTOW_POSTGRES_URL": "", "LABSTOW_REDIS_URL": ""})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@host/db", "postgresql://me:***@host/db"),
        ("nats://a:b@one:4222,nats://c:d@two", "nats://a:***@one:4222,nats://c:***@two"),
        ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
        ("unix:///tmp/valkey.sock", "unix:///tmp/valkey.sock"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert environment.without_password(url) == shown

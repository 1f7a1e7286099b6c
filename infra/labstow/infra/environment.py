"""What the environment tells labstow, checked as a whole before anything starts."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping

from pydantic import AliasChoices, ValidationError
from pydantic_settings import BaseSettings

from labstow.gateway.settings import GatewaySettings
from labstow.infra.refusal import CannotStart
from labstow.workers.kit.settings import Settings

PREFIX = "LABSTOW_"
CLASSES: tuple[type[BaseSettings], ...] = (Settings, GatewaySettings)


def check(environ: Mapping[str, str], classes: Iterable[type[BaseSettings]] = CLASSES) -> None:
    """Refuse a name with our prefix that no settings class knows, and a value that is not possible.

    Raises:
        CannotStart: naming the variable.
    """
    known = {name for settings in classes for name in names(settings)}
    for name in environ:
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise CannotStart(f"{name} is not a setting of labstow.{_near(name.upper(), known)}")
    for settings in classes:
        try:
            settings()
        except ValidationError as problem:
            first = problem.errors()[0]
            name = str(first["loc"][0]).upper()
            raise CannotStart(f"{PREFIX}{name.removeprefix(PREFIX)} is wrong: {first['msg']}.") from problem


def names(settings: type[BaseSettings]) -> Iterator[str]:
    """Names of environment variables that a settings class reads, in capitals."""
    for field, about in settings.model_fields.items():
        yield f"{settings.model_config.get('env_prefix', '')}{field}".upper()
        alias = about.validation_alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
        yield from (choice.upper() for choice in choices if isinstance(choice, str))


def without_password(url: str) -> str:
    """Give an address, or several, as they may be shown."""
    return re.sub(r"://([^:@/]*):[^@/]*@", r"://\1:***@", url)


def _near(name: str, known: Iterable[str]) -> str:
    endings = [other.removeprefix(PREFIX) for other in known]
    near = difflib.get_close_matches(name.removeprefix(PREFIX), endings, n=1)
    return f" Did you mean {PREFIX}{near[0]}?" if near else ""

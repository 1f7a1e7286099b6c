"""How labstow says no: the tree that is drawn is the tree there is, and a no survives the journey."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from labstow.contracts import errors
from labstow.contracts.errors import DeadlinePassed, Refusal, TooSlow


class Drawn(NamedTuple):
    """A line of the drawing: a class below another one."""

    name: str
    above: str | None
    code: str | None
    status: int | None


def drawn() -> Iterator[Drawn]:
    """The tree of the module's docstring."""
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if not (found := re.fullmatch(r"    ((?:│   |    )*(?:├── |└── )?)(\w+)(?: {2,}(\S.*))?", line)):
            continue
        branch, name, rest = found.groups()
        depth = len(branch) // 4
        path[depth:] = [name]
        words = re.split(r" {2,}", rest or "")
        status = next((int(word) for word in words if word.isdigit()), None)
        code = next((word for word in words if re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", word)), None)
        yield Drawn(name, path[depth - 1] if depth else None, code, status)


def refusals(above: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    yield above
    for below in above.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from refusals(below)


ALL = list(refusals())


def facts(refusal: type[Refusal]) -> dict[str, str]:
    """Something for every gap in its sentence."""
    return {name: f"the {name}" for name in re.findall(r"{(\w+)}", refusal.sentence)}


def test_the_tree_that_is_drawn_is_the_tree_there_is() -> None:
    there = {
        Drawn(
            cls.__name__,
            cls.__mro__[1].__name__ if cls is not Refusal else None,
            cls.__dict__.get("code") if cls is not Refusal else None,
            cls.__dict__.get("status") if cls is not Refusal else None,
        )
        for cls in ALL
    }

    assert set(drawn()) == there
    assert len(list(drawn())) == len(ALL)


def test_every_code_is_used_once() -> None:
    codes = [cls.__dict__["code"] for cls in ALL if "code" in cls.__dict__]

    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", code) for code in codes)


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_a_refusal_survives_the_journey(cls: type[Refusal]) -> None:
    sent = cls(**facts(cls))
    problem = json.loads(json.dumps(sent.problem()))

    received = Refusal.from_problem(problem)

    assert type(received) is (cls if "code" in cls.__dict__ else Refusal) or cls is Refusal
    assert received.problem() == problem
    assert (received.code, received.status, received.detail, received.facts) == (
        sent.code, sent.status, sent.detail, sent.facts,
    )  # fmt: skip
    assert str(received) == sent.detail
    assert "{" not in sent.detail


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_a_problem_body_has_what_rfc_9457_asks_for(cls: type[Refusal]) -> None:
    problem = cls("because", left="0.5").problem()

    assert problem["type"] == f"urn:labstow:{cls.code}"
    assert problem["detail"] == "because"
    assert 400 <= problem["status"] <= 504
    assert problem["left"] == "0.5"


def test_a_deadline_that_passed_says_by_how_much() -> None:
    """So that a wrong clock can be told from a long queue."""
    late = DeadlinePassed(late_s=86400.5)

    assert late.facts == {"late_s": 86400.5}
    assert "86400.5 s late by the worker's clock" in late.detail


def test_a_query_that_takes_too_long_is_a_mistake_of_the_callers() -> None:
    slow = TooSlow(limit_s=5)

    assert (slow.code, slow.status, slow.facts) == ("query.too_slow", 422, {"limit_s": 5})


def test_a_refusal_of_a_later_version_is_understood_as_far_as_it_can_be() -> None:
    received = Refusal.from_problem({"code": "robot.tired", "status": 409, "detail": "let it rest", "until": "noon"})

    assert type(received) is Refusal
    assert (received.code, received.status, received.detail) == ("robot.tired", 409, "let it rest")
    assert received.facts == {"until": "noon"}
    assert Refusal.code == "refused"


def test_whoever_reads_a_refusal_knows_it_whatever_else_is_imported() -> None:
    """Seen to fail: clients, which import no more than they need, got a plain `Refusal` of a location."""
    program = "import labstow.client; from labstow.contracts.errors import Refusal; print(*Refusal.by_code)"
    known = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    ours = {code for code, one in Refusal.by_code.items() if one.__module__.startswith("labstow.contracts.")}
    assert ours <= {*known.split()}
    assert "location.not_found" in known

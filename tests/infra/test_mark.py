"""A start that finds the mark of its own schema trusts it, and no other."""

from pathlib import Path

import pytest

from labstow.infra import mark
from labstow.infra.mark import Mark


def test_it_holds_for_the_schema_it_was_set_for(tmp_path: Path) -> None:
    assert not Mark(tmp_path).holds()
    Mark(tmp_path).set()
    assert Mark(tmp_path).holds()


def test_it_does_not_hold_for_a_version_with_other_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Mark(tmp_path).set()
    assert "0001" in Mark(tmp_path).path.read_text()
    monkeypatch.setattr(mark, "_migrations", lambda: "0001\n0002\n")
    assert not Mark(tmp_path).holds()


def test_it_does_not_hold_while_the_schema_changes(tmp_path: Path) -> None:
    Mark(tmp_path).set()
    Mark(tmp_path).clear()
    assert not Mark(tmp_path).holds()

"""Which part of the house may know which, and what must not be found anywhere in it."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
PARTS: Final = ("contracts", "client", "workers", "gateway", "infra")
MAY_KNOW: Final = {
    "contracts": {"contracts"},
    "client": {"client", "contracts"},
    "workers": {"workers", "contracts"},
    "gateway": {"gateway", "contracts", "client"},
    "infra": set(PARTS),
}
PURE: Final = ("rules", "writing", "placing", "draft", "lab", "thing")
IMPURE: Final = ("sqlalchemy", "faststream", "psycopg", "nats", "alembic", "redis", "fastapi", "httpx", "asyncpg")
EDGES: Final = {
    "workers/labstow/workers/kit/intake.py",
    "workers/labstow/workers/kit/lane.py",
    "gateway/labstow/gateway/edge.py",
}
"""Where whatever happens becomes an answer: nobody else catches `Exception`."""
TEXTS: Final = {".py", ".toml", ".md", ".txt", ".yaml", ".yml", ".conf", ".ini", ".sql", ".html", ".js", ".css", ".sh"}
FOREIGN: Final = [
    re.compile(pattern)
    for pattern in (
        r"https?://[^\s\"')]*(pypi|pythonhosted|artifactory|nexus|devpi|mirror)[^\s\"')]*",
        r"(?i)\b(extra-)?index-url\b",
        r"(?<![\w.$}~:/-])/(work|opt|home|Users|root)/\w",
    )
]


def module(file: Path) -> str:
    """`workers/labstow/workers/kit/noun.py` is `labstow.workers.kit.noun`."""
    names = list(file.relative_to(ROOT).with_suffix("").parts[1:])
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


FILES: Final = {module(file): file for part in PARTS for file in sorted((ROOT / part).rglob("*.py"))}
WRITTEN: Final = [
    file
    for top in (*PARTS, "tests", "benchmarks", "examples", "docs", ".ci")
    for file in sorted((ROOT / top).rglob("*"))
    if file.is_file() and (file.suffix in TEXTS or not file.suffix) and "__pycache__" not in file.parts
] + [file for file in sorted(ROOT.iterdir()) if file.is_file() and file.suffix in TEXTS]


@cache
def imports(name: str) -> frozenset[str]:
    """What a module imports; of `from x import y`, both `x` and `x.y`, wherever it stands in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(FILES[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            assert not node.level, f"{name} imports relatively"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def reached(name: str) -> set[str]:
    """Everything a module imports, and what that imports, as far as it is ours; packages on the way too."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        here = waiting.pop()
        packages = {here.rsplit(".", count)[0] for count in range(1, here.count("."))}
        for there in (imports(here) | packages) - found:
            found.add(there)
            if there in FILES:
                waiting.append(there)
    return found


def part(name: str) -> str | None:
    """The part of the house a module is in."""
    words = name.split(".")
    return words[1] if words[0] == "labstow" and len(words) > 1 else None


@pytest.mark.parametrize("name", FILES)
def test_a_module_imports_only_what_its_part_of_the_house_may_know(name: str) -> None:
    here = part(name)
    assert here is not None

    assert {there for each in imports(name) if (there := part(each))} <= MAY_KNOW[here]


@pytest.mark.parametrize("name", [f"labstow.workers.resource.{name}" for name in PURE])
def test_a_rule_knows_neither_database_nor_broker(name: str) -> None:
    """Not even through a module that it imports."""
    assert not {each for each in reached(name) if each.split(".")[0] in IMPURE}


def test_the_contracts_need_pydantic_and_nothing_else() -> None:
    ours = [name for name in FILES if part(name) == "contracts"]
    foreign = {each.split(".")[0] for name in ours for each in imports(name)} - {"labstow", "pydantic"}

    assert foreign <= set(sys.stdlib_module_names)


def test_a_node_needs_no_server() -> None:
    """What the base install brings is enough for contracts and client."""
    client = {each for name in FILES if part(name) == "client" for each in reached(name)}

    assert not {each for each in client if each.split(".")[0] in set(IMPURE) - {"nats", "httpx"}}


def test_no_file_is_too_long_to_be_read() -> None:
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in python()}

    assert not {file: length for file, length in lengths.items() if length > 500}


def python() -> Iterator[Path]:
    """All Python of ours."""
    return (file for file in WRITTEN if file.suffix == ".py")


def catches_everything(file: Path) -> bool:
    """Whether it has `except Exception` or worse."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(each is None or ast.unparse(each) in ("Exception", "BaseException") for each in caught):
                return True
    return False


def test_only_the_edges_catch_everything() -> None:
    catching = {str(file.relative_to(ROOT)) for file in FILES.values() if catches_everything(file)}

    assert catching <= EDGES


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_names_a_registry_or_a_place_on_somebodys_machine(file: Path) -> None:
    if file == Path(__file__):
        return
    text = file.read_text()

    assert not [found.group() for pattern in FOREIGN for found in pattern.finditer(text)]

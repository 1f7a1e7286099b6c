"""Lab files: the examples, and pieces of lab files that the Location Manager's README shows."""

from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parent.parent
FILES: Final = {
    file.stem: file
    for folder in (ROOT / "examples" / "labs", ROOT / "tests" / "infra" / "labs")
    for file in folder.glob("*.yaml")
}


def written(name: str) -> Any:
    """What is written in one of them, without a change; named as the file is, without its ending."""
    return yaml.safe_load(FILES[name].read_text())

"""What differs between two values, part by part."""

import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from labstow.infra.lab.mistakes import Path
from labstow.workers.transfer.comparing import same

ABSENT: Final = object()
"""What there is at a place that only the other value has."""


class Part(NamedTuple):
    """A place in two values where they differ, and what is there."""

    path: Path
    one: Any
    other: Any


def parts(one: Any, other: Any, path: Path = ()) -> Iterator[Part]:
    """All places where two values differ, as far inside as can be told. What is put into a list, or taken out of it,
    is no difference of what follows.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one | other:
            yield from parts(one.get(key, ABSENT), other.get(key, ABSENT), (*path, key))
    elif isinstance(one, list) and isinstance(other, list):
        yield from _of_lists(one, other, path)
    elif not same(one, other):
        yield Part(path, one, other)


def _of_lists(one: list[Any], other: list[Any], path: Path) -> Iterator[Part]:
    before, after = ([json.dumps(item, sort_keys=True) for item in items] for items in (one, other))
    for what, start, end, from_, to in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what != "equal":
            pairs = zip_longest(one[start:end], other[from_:to], fillvalue=ABSENT)
            for at, (here, there) in enumerate(pairs, from_ if start == end else start):
                yield from parts(here, there, (*path, at))

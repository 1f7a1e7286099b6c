"""What is linked, and so is one physical place: values in, values out."""

from collections.abc import Iterable


def joined(groups: Iterable[Iterable[str]]) -> dict[str, set[str]]:
    """For each member of a group, all that are in one group with it, or with one of those, and so on."""
    found: dict[str, set[str]] = {}
    for group in groups:
        parts = {id(part): part for part in (found.setdefault(each, {each}) for each in group)}
        whole = max(parts.values(), key=len, default=set())
        for part in parts.values():
            if part is not whole:
                whole |= part
                found |= dict.fromkeys(part, whole)
    return found


def together(groups: Iterable[Iterable[str]], names: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """The ids of the locations that are one physical place, by the id of each; of ids and names. A key that no location
    has links nothing.
    """
    ids = {key: each[0] for each in names for key in each}
    return joined([ids[key] for key in group if key in ids] for group in groups)

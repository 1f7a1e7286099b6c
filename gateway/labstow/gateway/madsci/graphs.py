"""The transfer graph as MADSci's clients read it."""

from typing import Any

Json = dict[str, Any]


def adjacent(graph: Json) -> dict[str, list[str]]:
    """Our `Graph` as theirs: where one gets to from each location, left out where that is nowhere."""
    found: dict[str, list[str]] = {}
    for fan in graph["edges"]:
        found.setdefault(fan["source_id"], []).extend(fan["target_ids"])
    return found


def detailed(graph: Json) -> Json:
    """Our `Graph` with all that theirs can tell."""
    return {
        "edges": [
            {
                "source_location_id": fan["source_id"],
                "target_location_id": target,
                "node_names": fan["nodes"],
                "min_cost": float(fan["cost"]),
            }
            for fan in graph["edges"]
            for target in fan["target_ids"]
        ]
    }

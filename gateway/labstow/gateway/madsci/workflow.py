"""Plans as MADSci's clients read them."""

from typing import Any

Json = dict[str, Any]


def workflow(plan: Json, id_: str) -> Json:
    """The best way of our `Plan` as their workflow definition, in whose steps are names."""
    source, target = plan["source"], plan["target"]
    name = f"Transfer: '{source}' -> '{target}'"
    description = f"Transfer from {source} ({plan['source_id']}) to {target} ({plan['target_id']})"
    if plan["source_id"] == plan["target_id"]:
        name, description = "Transfer: Same location", "Transfer within the same location"
    about = {"author": None, "description": description, "version": "", "ownership_info": None}
    return {
        "name": name,
        "workflow_definition_id": id_,
        "definition_metadata": about,
        "parameters": {"json_inputs": [], "file_inputs": [], "feed_forward": []},
        "steps": [_step(step, number) for number, step in enumerate(plan["ways"][0]["steps"], 1)],
    }


def _step(step: Json, number: int) -> Json:
    return {
        "name": f"transfer_step_{number}",
        "key": f"transfer_step_{number}",
        "description": f"Transfer step {number} using {step['node']}",
        "action": step["action"],
        "node": step["node"],
        "args": step["args"],
        "files": {},
        "locations": step["locations"],
        "conditions": [],
        "data_labels": {},
        "use_parameters": None,
    }

"""Runs beside MADSci's client: each line is a resource; it is read into their model and written as they would."""

import json
import sys

from madsci.common.types.resource_types import Resource  # type: ignore[import-not-found]

for line in sys.stdin:
    model = Resource.discriminate(json.loads(line))
    print(json.dumps(model.model_dump(mode="json")), flush=True)

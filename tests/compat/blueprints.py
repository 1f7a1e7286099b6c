"""Runs beside MADSci's client, with the address of a labstow: templates."""

import sys

from madsci.client.resource_client import ResourceClient  # type: ignore[import-not-found]
from madsci.common.types.resource_types import Consumable, Grid, Stack  # type: ignore[import-not-found]

from tests.compat.telling import refused, sample, tell

client = ResourceClient(sys.argv[1])

plate = Grid(resource_name="Standard", resource_class="plate", rows=2, columns=3, attributes={"volume": 200})
plate["B2"] = sample("control")
told = {"description": "flat", "required_overrides": ["resource_name", "attributes.lot"], "created_by": "ada"}

tell("created", client.create_template(plate, "Tour Plate", tags=["tour", "plate"], **told))
tell("replaced", client.create_template(plate, "tour plate", tags=["tour", "plate"], version="2.0.0", **told))
tell("read", client.get_template("Tour Plate"))
tell("read: nobody's", client.get_template("nobody's"))
tell("info", client.get_template_info("Tour Plate"))
tell("info: nobody's", client.get_template_info("nobody's"))

lot = {"attributes": {"lot": "L-1"}}
tell("made", client.create_resource_from_template("Tour Plate", "Plate 1", lot))
tell("made: the same again", client.create_resource_from_template("Tour Plate", "Plate 1", lot))
tell("made: another lot", client.create_resource_from_template("Tour Plate", "Plate 1", {"attributes": {"lot": "L-2"}}))
tell("made: without a lot", refused(lambda: client.create_resource_from_template("Tour Plate", "Plate 1")))
tell("made: from nobody's", refused(lambda: client.create_resource_from_template("nobody's", "Plate 1", lot)))
shown = client.create_resource_from_template("Tour Plate", "Only shown", lot, add_to_database=False)
tell("made: only shown", shown)
tell("made: only shown, read", refused(lambda: client.get_resource(shown.resource_id)))

updates = {"description": "deep", "tags": ["tour", "v3"], "version": "3.0.0", "attributes": {"volume": 250}}
tell("updated", client.update_template("Tour Plate", updates))
tell("made: after the update", client.create_resource_from_template("Tour Plate", "Plate 3", lot))
tell("updated: nobody's", refused(lambda: client.update_template("nobody's", updates)))

rack = Stack(resource_name="Rack", resource_class="storage", capacity=20)
tell("init: new", client.init_template(rack, "tour rack", description="for plates", tags=["tour"]))
tell("init: known", client.init_template(rack, "tour rack", description="for plates", tags=["tour"]))
rack.capacity = 30
tell("init: next", client.init_template(rack, "tour rack", description="for more", version="1.1.0"))
tell("init: a plate, next", client.init_template(plate, "Tour Plate", version="4.0.0"))
buffer = Consumable(resource_name="PBS", resource_class="buffer", quantity=1000.0, unit="mL", attributes={"pH": 7.4})
tell("init: consumable", client.init_template(buffer, "tour buffer", tags=["tour", "reagent"], created_by="grace"))
tell("init: consumable, next", client.init_template(buffer, "tour buffer", version="1.0.1"))
tell("made: buffer", client.create_resource_from_template("tour buffer", "PBS 1", {"quantity": 5000.0}))

tell("all", client.query_templates())
tell("containers", client.query_templates(base_type="container", tags=["tour", "never"]))
tell("by grace", client.query_templates(created_by="grace"))
tell("categories", client.get_templates_by_category())
tell("deleted", client.delete_template("tour rack"))
tell("deleted: again", client.delete_template("tour rack"))
tell("read: deleted", client.get_template("tour rack"))

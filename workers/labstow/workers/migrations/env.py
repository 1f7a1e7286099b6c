"""Run by alembic: migrations happen on the connection that `kit.database` opened and locked."""

from alembic import context

import labstow.workers.resource.tables
import labstow.workers.template.tables  # noqa: F401
from labstow.workers.kit.tables import SCHEMA, metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table_schema=SCHEMA
)
with context.begin_transaction():
    context.run_migrations()

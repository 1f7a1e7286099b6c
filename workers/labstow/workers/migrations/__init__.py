"""The schema's history (alembic). A revision that was released is never changed."""

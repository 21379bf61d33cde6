"""Run by Alembic, inside the transaction that `forecast.store.migrate` opened."""

from alembic import context

from forecast.store.columns import metadata
from forecast.store.migrate import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
context.run_migrations()

"""Run by Alembic, inside the transaction that `forecast.store.migrate` opened."""

from alembic import context

from forecast.store.columns import metadata
from forecast.store.migrate import VERSION_TABLE
from forecast.store.queue import is_ours

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    include_name=is_ours,
)
context.run_migrations()

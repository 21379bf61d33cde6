"""Versions of what a desk believes before the evidence."""

from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Select, select

from forecast.errors import UsageError
from forecast.prior import PriorVersion
from forecast.store.answers import insert_once
from forecast.store.schema import prior_version
from forecast.store.types import columns_of

_FIELDS = [field.name for field in fields(PriorVersion)]


def add(connection: Connection, version: PriorVersion) -> None:
    """Add a version; UsageError if another one took its number first."""
    insert = insert_once(connection, prior_version).returning(prior_version.c.version)
    if connection.execute(insert, columns_of(version)).first() is None:
        query = _of(version.definition).where(prior_version.c.version == version.version)
        author = PriorVersion(*connection.execute(query).one()).author
        raise UsageError(
            f"version {version.version} of the prior of '{version.definition}' has been made by "
            f"{author} meanwhile; look at it and try again"
        )


def versions(connection: Connection, definition: str) -> list[PriorVersion]:
    """All versions of a definition's prior, from the first on."""
    query = _of(definition).order_by(prior_version.c.version)
    return [PriorVersion(*row) for row in connection.execute(query)]


def latest(connection: Connection, definition: str) -> PriorVersion | None:
    """The newest version of a definition's prior, if there is any."""
    query = _of(definition).order_by(prior_version.c.version.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else PriorVersion(*row)


def _of(definition: str) -> Select[Any]:
    columns = [prior_version.c[name] for name in _FIELDS]
    return select(*columns).where(prior_version.c.definition == definition)

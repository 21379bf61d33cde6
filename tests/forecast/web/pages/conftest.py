"""Somebody before an empty desk, not signed in."""

from collections.abc import Iterator

import pytest

from forecast.store import open_store
from tests.forecast.web.api_desk import ApiDesk
from tests.forecast.web.pages.reader import Reader


@pytest.fixture
def reader(sqlite_url: str) -> Iterator[Reader]:
    """Where the database does not matter."""
    with open_store(sqlite_url) as store:
        yield Reader(ApiDesk(store))

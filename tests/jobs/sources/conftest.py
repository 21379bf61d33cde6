"""A server with two rows, a clock that is moved by hand, and a watch that asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forecast.store import Store
from jobs.app import App
from tests.jobs.sources.feed_server import FeedServer, Said
from tests.jobs.sources.pulling import Hands, app_of, rows, table


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer(Said(rows(1, 2), headers={"ETag": '"one"'})) as running:
        yield running


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def app(store: Store, tmp_path: Path, server: FeedServer) -> App:
    return app_of(store, tmp_path, table(server.url()))

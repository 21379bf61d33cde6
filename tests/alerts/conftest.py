"""What the tests of the outbox stand on: a store, a clock, and tables of watch.toml."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forecast.alert_tables import ChannelTable
from forecast.store import Store, open_store
from tests.alerts.outbox_samples import SECRET, MakeChannel, Time


@pytest.fixture
def channel(tmp_path: Path) -> MakeChannel:
    """Makes a table of watch.toml whose secrets lie in files."""

    def make(name: str, kind: str, url: str, secret: str = SECRET) -> ChannelTable:
        (tmp_path / f"{name}.url").write_text(url)
        (tmp_path / f"{name}.secret").write_text(secret)
        return ChannelTable(
            id=name,
            kind=kind,
            url=f"file:{tmp_path}/{name}.url",
            secret=f"file:{tmp_path}/{name}.secret",
            allow=["127.0.0.0/8"],
        )

    return make


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def outbox(sqlite_url: str) -> Iterator[Store]:
    with open_store(sqlite_url) as store:
        yield store

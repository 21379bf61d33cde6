"""The store under test: an empty one on SQLite and one on PostgreSQL, for each test anew."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count

import pytest

from benchmarks.postgres import private_server
from forecast.processors import usable_processors
from forecast.store import Store, open_store
from tests.databases import Databases

BACKENDS = ("sqlite", "postgresql")
MOST_WORKERS = 4  # one with PyMC takes half a gigabyte
type NewUrl = Callable[[], str]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are processors: many tests wait for servers and other processes."""
    return min(usable_processors() + 1, MOST_WORKERS)


@pytest.fixture(scope="session")
def new_sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> NewUrl:
    """Makes stores on SQLite: copies of one that was prepared once."""
    folder = tmp_path_factory.mktemp("stores")
    template = folder / "template.db"
    open_store(f"sqlite:///{template}").close()
    numbers = count(1)

    def new() -> str:
        path = folder / f"store-{next(numbers)}.db"
        shutil.copyfile(template, path)
        return f"sqlite:///{path}"

    return new


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL server of our own, with nothing in it: its URL, to which a name is added.

    One for each pytest-xdist worker; it takes two seconds and shares nothing.
    """
    with ExitStack() as stack:
        try:
            url = stack.enter_context(private_server(fsync=False))
        except OSError as error:
            pytest.skip(str(error))
        yield url


@pytest.fixture(scope="session")
def databases(postgres_server: str) -> Databases:
    """The databases of the server, each as if it were new."""
    return Databases(postgres_server)


@pytest.fixture(scope="session")
def new_postgres_url(databases: Databases) -> NewUrl:
    """Makes stores on PostgreSQL that nobody has used."""
    return databases.new


@pytest.fixture(params=BACKENDS)
def store_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a fresh store: every test with it runs on both databases."""
    if request.param == "sqlite":
        new: NewUrl = request.getfixturevalue("new_sqlite_url")
        yield new()
    else:
        databases: Databases = request.getfixturevalue("databases")
        url = databases.lend()
        yield url
        databases.give_back(url)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A fresh store, on both databases."""
    with open_store(store_url) as opened:
        yield opened


@pytest.fixture
def sqlite_url(new_sqlite_url: NewUrl) -> str:
    """The URL of a fresh store on SQLite, for what only SQLite can do wrong."""
    return new_sqlite_url()


@pytest.fixture
def postgres_url(new_postgres_url: NewUrl) -> str:
    """The URL of a fresh store on PostgreSQL, for what only PostgreSQL can do wrong."""
    return new_postgres_url()

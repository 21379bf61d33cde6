"""A database of PostgreSQL that was used is lent again as if it were new, or not at all."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from forecast.question import Question
from forecast.store import open_store
from tests.databases import OTHERS, Databases
from tests.jobs.desk import wait_for

NOW = datetime(2025, 11, 17, 10, tzinfo=UTC)
QUESTION = Question("q", "?", "harbour", "strike", NOW, NOW + timedelta(days=30))


@pytest.fixture(scope="module")
def lender(postgres_server: str) -> Databases:
    """Of names of its own: the server has those of all other tests too."""
    return Databases(postgres_server, "lent")


def first_number(url: str) -> int:
    """Adds a question; the number of its row."""
    with open_store(url) as store:
        store.add_questions([QUESTION], NOW)
    with psycopg.connect(url) as connection:
        [(number,)] = connection.execute("SELECT row_id FROM question").fetchall()
    return int(number)


def lend_again(lender: Databases, url: str) -> str:
    """What is lent after `url` was given back, and those who used it have left."""
    with psycopg.connect(url, autocommit=True) as connection:
        wait_for(lambda: connection.execute(OTHERS).fetchone() == (0,))
    lender.give_back(url)
    return lender.lend()


def test_what_was_written_is_gone_and_rows_are_numbered_anew(lender: Databases) -> None:
    url = lender.lend()
    number = first_number(url)
    again = lend_again(lender, url)
    assert again == url
    assert first_number(again) == number == 1


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER TABLE question ADD COLUMN colour text",
        "ALTER TABLE question ALTER COLUMN title DROP NOT NULL",
        "CREATE INDEX ix_colour ON question (title)",
        "DELETE FROM tocsin_schema",
        "ALTER TABLE procrastinate_jobs DISABLE TRIGGER USER",
        "DROP TABLE question CASCADE",
    ],
)
def test_one_that_is_no_longer_what_was_made_is_not_lent_again(
    lender: Databases, damage: str
) -> None:
    url = lender.lend()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(damage.encode())
    assert lend_again(lender, url) != url


def test_one_that_somebody_is_connected_to_waits_until_he_has_left(lender: Databases) -> None:
    url = lender.lend()
    with psycopg.connect(url):
        lender.give_back(url)
        other = lender.lend()
        assert other != url
    assert lend_again(lender, other) in {url, other}

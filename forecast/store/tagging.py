"""The tagging half of the store: articles read once, candidates, and what was said of them."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from itertools import batched
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from forecast.article import Article
from forecast.candidate import Candidate, Judgement, Span, Status
from forecast.errors import ConflictError
from forecast.store.answers import insert_once
from forecast.store.database import Database
from forecast.store.tagging_schema import candidate, judgement, tagged_article
from forecast.store.types import columns_of

MOST_NAMES = 500  # ids in one query
_CANDIDATE = [candidate.c[field.name] for field in fields(Candidate)]
_JUDGEMENT = [judgement.c[field.name] for field in fields(Judgement)]


class Tagging:
    """`store.tagging`; every method is one transaction, as of the store itself."""

    def __init__(self, database: Database) -> None:
        self._read, self._write = database.read, database.write

    def articles_among(self, article_ids: Iterable[str]) -> set[str]:
        """Which of some articles were read before."""
        return self._read(_articles_among, list(article_ids))

    def add(
        self,
        articles: Sequence[Article],
        found: Sequence[Candidate],
        said: Sequence[Judgement],
        recorded_at: datetime,
    ) -> set[str]:
        """Remember articles that were read, and what was found in them; each once.

        `said` are judgements made at once (by memory, or unasked). What another process has
        recorded meanwhile is left alone; the ids of the candidates that are new come back.
        """
        return self._write(_add, articles, found, said, recorded_at)

    def judge(self, before: Candidate, said: Judgement, recorded_at: datetime) -> None:
        """Record what somebody said of a candidate, and how it stands since.

        ConflictError where it stands no longer as it did `before`.
        """
        self._write(_judge, before, said, recorded_at)

    def candidates(
        self,
        status: Status | None = Status.WAITING,
        *,
        unit: str = "",
        tag: str = "",
        limit: int = 1000,
        after: int = 0,
    ) -> list[Candidate]:
        """Candidates as they stand, in the order in which they came; `after` leaves some out."""
        return self._read(_candidates, status, unit, tag, limit, after)

    def named(self, candidate_ids: Iterable[str]) -> dict[str, Candidate]:
        """Some candidates by id, as they stand."""
        return self._read(_named, list(candidate_ids))

    def beginning(self, letters: str) -> list[Candidate]:
        """The candidates whose ids begin so, at most two."""
        return self._read(_beginning, letters)

    def beside(self, unit: str, tag: str, since: datetime, until: datetime) -> list[Candidate]:
        """The candidates of a unit and tag that became known in [since, until], oldest first."""
        return self._read(_beside, unit, tag, since, until)

    def rejected(self, rule_id: str, since: datetime) -> list[Candidate]:
        """What a rule found that was rejected, of what became known since a moment."""
        return self._read(_rejected, rule_id, since)

    def judgements(self, candidate_ids: Iterable[str]) -> list[Judgement]:
        """What was said of some candidates, in the order in which it was."""
        return self._read(_judgements, list(candidate_ids))

    def counts(self) -> dict[Status, int]:
        """How many candidates stand where."""
        return self._read(_counts)


def _articles_among(connection: Connection, article_ids: list[str]) -> set[str]:
    column = tagged_article.c.article_id
    found: set[str] = set()
    for some in batched(article_ids, MOST_NAMES):
        found.update(connection.scalars(select(column).where(column.in_(some))))
    return found


def _add(
    connection: Connection,
    articles: Sequence[Article],
    found: Sequence[Candidate],
    said: Sequence[Judgement],
    recorded_at: datetime,
) -> set[str]:
    here = {"recorded_at": recorded_at}
    known = _named(connection, [one.candidate_id for one in found])
    new = {one.candidate_id: one for one in found if one.candidate_id not in known}
    rows = [_row(one) | here for one in new.values()]
    if rows:
        connection.execute(insert_once(connection, candidate), rows)
    words = [columns_of(one) | here for one in said if one.candidate_id in new]
    if words:
        connection.execute(judgement.insert(), words)
    count = {article.article_id: 0 for article in articles}
    for one in found:
        count[one.article_id] = count.get(one.article_id, 0) + 1
    read = [_article(article, count[article.article_id]) | here for article in articles]
    if read:
        connection.execute(insert_once(connection, tagged_article), read)
    return set(new)


def _article(article: Article, found: int) -> dict[str, Any]:
    names = ("article_id", "source", "url", "known_at")
    return {name: getattr(article, name) for name in names} | {"found": found}


def _judge(
    connection: Connection, before: Candidate, said: Judgement, recorded_at: datetime
) -> None:
    query = update(candidate).where(
        candidate.c.candidate_id == said.candidate_id, candidate.c.status == before.status
    )
    values = {name: getattr(said, name) for name in ("status", "unit", "tag", "value")}
    values["occurred_at"] = said.occurred_at
    if connection.execute(query.values(values)).rowcount != 1:
        raise ConflictError(f"somebody else has judged the candidate {said.candidate_id} meanwhile")
    connection.execute(judgement.insert(), columns_of(said) | {"recorded_at": recorded_at})


def _candidates(
    connection: Connection, status: Status | None, unit: str, tag: str, limit: int, after: int
) -> list[Candidate]:
    query = select(*_CANDIDATE).order_by(candidate.c.row_id).limit(limit).offset(after)
    if status is not None:
        query = query.where(candidate.c.status == status)
    if unit:
        query = query.where(candidate.c.unit == unit)
    if tag:
        query = query.where(candidate.c.tag == tag)
    return [_candidate(row) for row in connection.execute(query)]


def _named(connection: Connection, candidate_ids: list[str]) -> dict[str, Candidate]:
    found: dict[str, Candidate] = {}
    for some in batched(candidate_ids, MOST_NAMES):
        query = select(*_CANDIDATE).where(candidate.c.candidate_id.in_(some))
        found |= {row.candidate_id: _candidate(row) for row in connection.execute(query)}
    return found


def _beginning(connection: Connection, letters: str) -> list[Candidate]:
    begins = candidate.c.candidate_id.startswith(letters, autoescape=True)
    query = select(*_CANDIDATE).where(begins).order_by(candidate.c.row_id).limit(2)
    return [_candidate(row) for row in connection.execute(query)]


def _beside(
    connection: Connection, unit: str, tag: str, since: datetime, until: datetime
) -> list[Candidate]:
    query = (
        select(*_CANDIDATE)
        .where(candidate.c.unit == unit, candidate.c.tag == tag)
        .where(candidate.c.known_at.between(since, until))
        .order_by(candidate.c.known_at, candidate.c.row_id)
    )
    return [_candidate(row) for row in connection.execute(query)]


def _rejected(connection: Connection, rule_id: str, since: datetime) -> list[Candidate]:
    query = (
        select(*_CANDIDATE)
        .where(candidate.c.rule_id == rule_id, candidate.c.status == Status.REJECTED)
        .where(candidate.c.known_at >= since)
        .order_by(candidate.c.row_id)
    )
    return [_candidate(row) for row in connection.execute(query)]


def _judgements(connection: Connection, candidate_ids: list[str]) -> list[Judgement]:
    found: list[Judgement] = []
    for some in batched(candidate_ids, MOST_NAMES):
        query = select(*_JUDGEMENT).where(judgement.c.candidate_id.in_(some))
        found += [Judgement(*row) for row in connection.execute(query.order_by(judgement.c.row_id))]
    return found


def _counts(connection: Connection) -> dict[Status, int]:
    query = select(candidate.c.status, func.count()).group_by(candidate.c.status)
    return {row[0]: row[1] for row in connection.execute(query)}


def _row(one: Candidate) -> dict[str, Any]:
    spans = [[span.start, span.end, span.text, span.role] for span in one.spans]
    return columns_of(one) | {"spans": spans, "sketch": list(one.sketch)}


def _candidate(row: Row[Any]) -> Candidate:
    told = row._asdict()
    told["spans"] = tuple(Span(*span) for span in told["spans"])
    told["sketch"] = tuple(told["sketch"])
    return Candidate(**told)

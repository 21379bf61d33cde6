"""Taking articles in: read by the packs, held against what is known, kept as candidates.

Each article is read once. What repeats another outlet's words has its origin, so that the two
are one witness; which reports are one incident is left to the rule of `forecast.incidents`. What
was rejected before is rejected again, by memory, and stays to be seen.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import batched

from forecast.article import Article
from forecast.candidate import MEMORY, RULE_BOOK, Candidate, Judgement, Status
from forecast.errors import UsageError
from jobs.app import App
from jobs.tagging.articles import storable
from jobs.tagging.judging import report_of
from jobs.tagging.likeness import Shelf
from jobs.tagging.loading import tagger_of
from jobs.tagging.tagger import Tagger

CONFIRMED = Status.CONFIRMED
CHUNK = 500  # articles in one transaction
COPIED_WITHIN = timedelta(days=7)
REMEMBERED = timedelta(days=365)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of articles.

    `articles` were new and `known` read before; of what was found, `waiting` is to be judged,
    `written` became reports unasked, and `remembered` was rejected because it was before.
    `candidates` are all that is new.
    """

    articles: int = 0
    known: int = 0
    waiting: int = 0
    written: int = 0
    remembered: int = 0
    candidates: tuple[Candidate, ...] = ()

    def __add__(self, other: "Taken") -> "Taken":
        return Taken(
            self.articles + other.articles,
            self.known + other.known,
            self.waiting + other.waiting,
            self.written + other.written,
            self.remembered + other.remembered,
            self.candidates + other.candidates,
        )


def take_in(app: App, articles: Iterable[Article], now: datetime) -> Taken:
    """Tag articles that were not read before, and keep what they state.

    UsageError where the watch names no packs, ConfigError where one of them is wrong.
    """
    tagger = tagger_of(app.watch)
    if tagger is None:
        raise UsageError("watch.toml has no [tagging] with packs", at="tagging")
    taken = Taken()
    for some in batched(articles, CHUNK):
        taken += _take_some(app, tagger, some, now)
    return taken


def _take_some(app: App, tagger: Tagger, some: Sequence[Article], now: datetime) -> Taken:
    articles = {article.article_id: article for article in map(storable, some)}
    known = app.store.tagging.articles_among(articles)
    new = [article for name, article in articles.items() if name not in known]
    found = [candidate for article in new for candidate in tagger.tag(article)]
    return keep(app, new, found, now) + Taken(known=len(known))


def keep(
    app: App,
    articles: Sequence[Article],
    found: Sequence[Candidate],
    now: datetime,
    *,
    asks: bool = False,
) -> Taken:
    """Keep what was found in articles; or write it, where the watch says so and nobody `asks`."""
    table = app.config.tagging
    desk = _Desk(app, now, table is not None and table.accept == "write" and not asks)
    judged = [desk.judged(one) for one in sorted(found, key=lambda one: one.known_at)]
    said = [word for _, word in judged if word is not None]
    # Reports go first: if we die between, the articles are read again and the reports are known.
    app.store.add_reports([report_of(app, c) for c, _ in judged if c.status is CONFIRMED], now)
    new = app.store.tagging.add(articles, [one for one, _ in judged], said, now)
    kept = tuple(one for one, _ in judged if one.candidate_id in new)
    count = defaultdict[Status, int](int)
    for one in kept:
        count[one.status] += 1
    _log.info("%d articles read, %d statements found", len(articles), len(kept))
    return Taken(
        articles=len(articles),
        waiting=count[Status.WAITING],
        written=count[Status.CONFIRMED],
        remembered=count[Status.REJECTED],
        candidates=kept,
    )


@dataclass(slots=True)
class _Desk:
    """What is known beside new candidates, asked for once."""

    app: App
    now: datetime
    writes: bool
    _beside: dict[tuple[str, str], Shelf] = field(default_factory=dict)
    _rejected: dict[str, Shelf] = field(default_factory=dict)

    def judged(self, one: Candidate) -> tuple[Candidate, Judgement | None]:
        """The candidate as it stands, and what is said of it at once, if anything is."""
        one = self._with_origin(one)
        before = self._remembered(one)
        if before is not None:
            one = replace(one, status=Status.REJECTED, copy_of=before.candidate_id)
            said = self._said(one, MEMORY, f"rejected before, as {before.candidate_id}")
        elif self.writes:
            one = replace(one, status=Status.CONFIRMED)
            said = self._said(one, RULE_BOOK, "accept = 'write'")
        else:
            said = None
        self._beside[one.unit, one.tag].add(one)
        return one, said

    def _said(self, one: Candidate, author: str, reason: str) -> Judgement:
        return Judgement(
            *(one.candidate_id, one.status, author, reason, self.now),
            *(one.unit, one.tag, one.value, one.occurred_at),
        )

    def _with_origin(self, one: Candidate) -> Candidate:
        """Of words that another outlet had, what they copy, and the origin of it."""
        for other in self._of(one).alike(one):
            is_near = abs(one.known_at - other.known_at) <= COPIED_WITHIN
            if is_near and other.article_id != one.article_id:
                origin = one.origin or other.origin or other.source
                return replace(one, copy_of=other.candidate_id, origin=origin)
        return one

    def _of(self, one: Candidate) -> Shelf:
        key = (one.unit, one.tag)
        if key not in self._beside:
            since, until = one.known_at - COPIED_WITHIN, self.now + COPIED_WITHIN
            self._beside[key] = Shelf(self.app.store.tagging.beside(*key, since, until))
        return self._beside[key]

    def _remembered(self, one: Candidate) -> Candidate | None:
        """The candidate of the same statement that was rejected."""
        if one.rule_id not in self._rejected:
            since = one.known_at - REMEMBERED
            rejected = self.app.store.tagging.rejected(one.rule_id, since)
            self._rejected[one.rule_id] = Shelf(rejected)
        return next(self._rejected[one.rule_id].alike(one), None)

"""All questions in one line each, kept in memory and brought up to date when asked.

Ten thousand of them are too many to read for one page; what is read is what was said since the
last time, and now and then all of it anew.
"""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock, Thread

from forecast.alert import RuleState
from forecast.errors import StoreError
from forecast.estimate import Health
from forecast.reports.phrases import points
from forecast.reports.watch import Attention, attention_of, urgency
from forecast.store import Store
from forecast.store.overview import Glance, Marks, News

ANEW = 600.0  # seconds after which all is read again
FRESH = timedelta(minutes=1)  # for as long an order holds when nothing is said: deadlines pass
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One question of the list, and why it stands where it does; `text` is what is searched."""

    glance: Glance
    attention: Attention
    points_in_week: int | None
    firing: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Sorted:
    """All questions by what needs attention, and how many rules fire, on whatever it is."""

    lines: tuple[Line, ...]
    firing: int
    at: datetime
    counts: Mapping[Attention, int]
    units: tuple[str, ...]
    definitions: tuple[str, ...]


class Outlook:
    """What is known of all questions, shared by all who ask."""

    def __init__(self, store: Store) -> None:
        self._store, self._lock = store, Lock()
        self._marks, self._read_at = Marks(), 0.0
        self._glances: dict[str, Glance] = {}
        self._alarmed: dict[str, tuple[RuleState, ...]] = {}
        self._sorted: Sorted | None = None

    def at(self, now: datetime) -> Sorted:
        """The list as it is at `now`; StoreError where the store is away."""
        with self._lock:
            has_changed = self._follow()
            old = self._sorted
            if old is None or has_changed or not timedelta(0) <= now - old.at < FRESH:
                self._sorted = old = self._order(now)
            return old

    def alarmed(self, now: datetime) -> list[RuleState]:
        """Where the rules stand that fire, on whatever it is, a question, unit or channel."""
        self.at(now)
        with self._lock:
            return [state for found in self._alarmed.values() for state in found]

    def warm(self) -> None:
        """Read all of it anew; where the store is away, whoever asks next is told."""
        try:
            news = self._store.overview.news()
        except StoreError as error:
            _log.warning("the list of questions could not be read: %s", error)
            return
        with self._lock:
            self._glances, self._alarmed = {}, {}
            self._take_in(news)
            self._sorted, self._read_at = None, time.monotonic()

    def _follow(self) -> bool:
        """Take in what was said since; whether that was anything."""
        is_first = self._marks == Marks()
        if not is_first and time.monotonic() - self._read_at > ANEW:
            self._read_at = time.monotonic()  # once is enough
            Thread(target=self.warm, name="outlook", daemon=True).start()
        news = self._store.overview.news(self._marks)
        if news.marks == self._marks:
            return False
        self._take_in(news)
        if is_first:
            self._read_at = time.monotonic()
        return True

    def _take_in(self, news: News) -> None:
        self._glances |= {glance.question.question_id: glance for glance in news.glances}
        self._alarmed |= news.alarmed
        self._marks = news.marks

    def _order(self, now: datetime) -> Sorted:
        lines = [
            _line(glance, [state.rule_id for state in self._alarmed.get(name, ())], now)
            for name, glance in self._glances.items()
        ]
        lines.sort(key=lambda o: urgency(o.attention, o.points_in_week, o.glance.question))
        asked = [line.glance.question for line in lines]
        return Sorted(
            *(tuple(lines), sum(map(len, self._alarmed.values())), now),
            counts=Counter(line.attention for line in lines),
            units=tuple(sorted({question.unit for question in asked})),
            definitions=tuple(sorted({question.definition for question in asked})),
        )


def _line(glance: Glance, firing: Sequence[str], now: datetime) -> Line:
    newest, question = glance.newest, glance.question
    is_told = newest is not None and glance.week_ago is not None
    moved = points(glance.week_ago, newest.probability) if is_told else None  # type: ignore[arg-type, union-attr]
    attention = attention_of(
        is_resolved=glance.outcome is not None,
        is_firing=bool(firing),
        is_held=newest is not None and newest.health is not Health.HEALTHY,
        moved=moved,
        deadline=question.deadline,
        now=now,
    )
    text = f"{question.question_id} {question.title}".casefold()
    return Line(glance, attention, moved, tuple(firing), text)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which questions are looked for; "" says nothing."""

    unit: str = ""
    definition: str = ""
    state: str = ""
    text: str = ""

    def of(self, lines: Sequence[Line]) -> Sequence[Line]:
        """Those that fit, in their order; every word of the text is in id or title."""
        if self.state:
            lines = [line for line in lines if line.attention.value == self.state]
        if self.unit:
            lines = [line for line in lines if line.glance.question.unit == self.unit]
        if self.definition:
            lines = [line for line in lines if line.glance.question.definition == self.definition]
        for word in self.text.casefold().split():
            lines = [line for line in lines if word in line.text]
        return lines

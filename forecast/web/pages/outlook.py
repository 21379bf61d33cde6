"""All questions in one line each, kept in memory and brought up to date when asked.

Ten thousand of them are too many to read for one page; what is read is what was said since the
last time, and now and then all of it anew.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from forecast.estimate import Health
from forecast.reports.phrases import points
from forecast.reports.watch import Attention, attention_of, urgency
from forecast.store import Store
from forecast.store.overview import Glance, Marks

ANEW = 600.0  # seconds after which all is read again
FRESH = timedelta(minutes=1)  # for as long an order holds when nothing is said: deadlines pass


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


class Outlook:
    """What is known of all questions, shared by all who ask."""

    def __init__(self, store: Store) -> None:
        self._store, self._lock = store, Lock()
        self._marks, self._read_at = Marks(), 0.0
        self._glances: dict[str, Glance] = {}
        self._alarmed: dict[str, tuple[str, ...]] = {}
        self._sorted: Sorted | None = None

    def at(self, now: datetime) -> Sorted:
        """The list as it is at `now`; StoreError where the store is away."""
        with self._lock:
            has_changed = self._follow()
            old = self._sorted
            if old is None or has_changed or not timedelta(0) <= now - old.at < FRESH:
                self._sorted = old = self._order(now)
            return old

    def _follow(self) -> bool:
        """Take in what was said since; whether that was anything."""
        if not self._read_at or time.monotonic() - self._read_at > ANEW:
            news = self._store.overview.news()
            self._glances, self._alarmed = {}, {}
            self._read_at = time.monotonic()
        else:
            news = self._store.overview.news(self._marks)
        if news.marks == self._marks and self._sorted:
            return False
        self._glances |= {glance.question.question_id: glance for glance in news.glances}
        self._alarmed |= news.alarmed
        self._marks = news.marks
        return True

    def _order(self, now: datetime) -> Sorted:
        lines = [
            _line(glance, self._alarmed.get(name, ()), now)
            for name, glance in self._glances.items()
        ]
        lines.sort(key=lambda o: urgency(o.attention, o.points_in_week, o.glance.question))
        return Sorted(tuple(lines), sum(map(len, self._alarmed.values())), now)


def _line(glance: Glance, firing: tuple[str, ...], now: datetime) -> Line:
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
    return Line(glance, attention, moved, firing, text)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which questions are looked for; "" says nothing."""

    unit: str = ""
    definition: str = ""
    state: str = ""
    text: str = ""

    def of(self, lines: Iterable[Line]) -> list[Line]:
        """Those that fit, in their order; every word of the text is in id or title."""
        words = self.text.casefold().split()
        return [line for line in lines if self._fits(line, words)]

    def _fits(self, line: Line, words: list[str]) -> bool:
        question = line.glance.question
        return (
            (not self.unit or question.unit == self.unit)
            and (not self.definition or question.definition == self.definition)
            and (not self.state or line.attention.value == self.state)
            and all(word in line.text for word in words)
        )

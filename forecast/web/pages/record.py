"""/record: how good the forecasts were that have an answer, and what backtests said before.

The record is of the questions that ended last, `MOST` of them. It takes a second where they have
long histories, and so one is kept, and made anew when another question ends or after some minutes.
"""

import logging
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from forecast.clock import DAY
from forecast.config import Config
from forecast.errors import StoreError
from forecast.evidence import Outcome
from forecast.question import Question
from forecast.reports.page import both
from forecast.reports.track_record import FEW, Course, Said, TrackRecord, track_record
from forecast.scoring.results import Calibration
from forecast.web.desk import Certified, Desk, TheDesk
from forecast.web.pages.layout import page
from forecast.web.pages.outlook import Outlook
from forecast.web.pages.tallies import Tally, by_class, by_lead, is_due

if TYPE_CHECKING:
    from forecast.backtest import Forecasts
    from forecast.reports.backtest.view import BacktestReport

router = APIRouter()
MOST = 500  # ended questions that a record is of
BACKTESTS = 15  # of the newest
FRESH = timedelta(minutes=10)
SEED = 20_251  # of the band of the diagram
_log = logging.getLogger(__name__)
STANDINGS = {
    "passed": "✓ passed, and its code is what was tested",
    "failed": "✗ failed",
    "stale": "▲ its code has changed since it was tested",
    "none": "○ never tested",
}


@dataclass(frozen=True, slots=True)
class Record:
    """The record of the questions that ended last.

    Of each whose deadline is over the first forecast counts for `calibration`: so no two rows are
    of one question, and which it is does not hang on how the question ended. `base` is the Brier
    score of always saying the share that came true.
    """

    record: TrackRecord
    calibration: Calibration | None
    charts: dict[str, Any]
    base: float
    ended: tuple[tuple[Question, bool, float], ...]
    by_class: tuple[Tally, ...]
    by_lead: tuple[Tally, ...]


type Key = tuple[tuple[str, datetime | None], ...]


class Kept:
    """The record that was made last. Where it is old another is made beside those who look."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._key: Key | None = None
        self._at: datetime | None = None
        self._record: Record | None = None
        self._maker: Thread | None = None

    def of(
        self, desk: Desk, questions: Sequence[Question], key: Key, now: datetime
    ) -> Record | None:
        """The record of some questions, or that of a moment ago; who looks first waits for it."""
        with self._lock:
            if self._key is None:
                self._make(desk, questions, key, now)
            elif self._is_old(key, now) and not (self._maker and self._maker.is_alive()):
                arguments = (desk, questions, key, now)
                self._maker = Thread(target=self._renew, args=arguments, daemon=True)
                self._maker.start()
            return self._record

    def warm(self, desk: Desk, outlook: Outlook) -> None:
        """Make it before anybody looks."""
        now = desk.clock()
        try:
            self.of(desk, *_ended(outlook, now), now)
        except StoreError as error:
            _log.warning("the record could not be made: %s", error)

    def _is_old(self, key: Key, now: datetime) -> bool:
        return self._key != key or not (self._at and timedelta(0) <= now - self._at < FRESH)

    def _make(self, desk: Desk, questions: Sequence[Question], key: Key, now: datetime) -> None:
        self._record, self._key, self._at = _made(desk, questions, now), key, now

    def _renew(self, *of: Any) -> None:
        try:
            self._make(*of)
        except StoreError as error:
            _log.warning("the record could not be brought up to date: %s", error)


@router.get("/record")
def record(desk: TheDesk, request: Request) -> Response:
    """The record, the newest backtests, and the certificates of the models."""
    from forecast.reports.backtest import figures

    now = desk.clock()
    asked, key = _ended(request.app.state.outlook, now)
    return page(
        *(desk, request, "record.html"),
        found=request.app.state.record.of(desk, asked, key, now),
        most=MOST,
        total=len(key),
        few=FEW,
        backtests=_backtests(desk),
        certificates=_certificates(desk),
        STANDINGS=STANDINGS,
        fixed=figures.fixed,
        gain_words=figures.gain_words,
        marked=figures.marked,
        whole=figures.whole,
    )


def _ended(outlook: Outlook, now: datetime) -> tuple[list[Question], Key]:
    """The questions that ended last with an answer, and what the record of them depends on."""
    answers = (Outcome.YES, Outcome.NO)
    glances = [line.glance for line in outlook.at(now).lines if line.glance.outcome in answers]
    glances.sort(key=lambda glance: glance.ended_at or now, reverse=True)
    key = tuple((glance.question.question_id, glance.ended_at) for glance in glances)
    return [glance.question for glance in glances[:MOST]], key


def _made(desk: Desk, questions: Sequence[Question], now: datetime) -> Record | None:
    from forecast.courses import courses

    if not questions:
        return None
    found = [
        course
        for course in courses(desk.store, desk.config(), questions, now)
        if course.outcome is not None and course.scored
    ]
    if not found:
        return None
    told = track_record(found)
    share, config = told.yes / told.n, desk.config()
    due = [course for course in found if is_due(course, now)]
    calibration, charts = _calibrated(due) if due else (None, {})
    return Record(
        *(told, calibration, charts, share * (1.0 - share)),
        tuple((c.question, bool(c.outcome), c.scored[0].probability) for c in found),
        by_class=tuple(by_class(found, lambda name: _class_of(config, name))),
        by_lead=tuple(by_lead(due)),
    )


def _class_of(config: Config, definition: str) -> str:
    """The root of a definition; one that watch.toml has no more stands for itself."""
    return config.root_of(definition) if definition in config.definitions else definition


def _calibrated(due: Sequence[Course[Said]]) -> tuple[Calibration, dict[str, Any]]:
    from forecast.reports.charts.reliability import diagram
    from forecast.scoring.calibration import calibration

    forecasts = _rows([(course.scored[0], course.outcome or 0) for course in due])
    spans = sorted((course.question.deadline - course.scored[0].as_of) / DAY for course in due)
    found = calibration(
        forecasts.p, forecasts.outcome, forecasts.origin, max(spans[len(spans) // 2], 1.0), SEED
    )
    drawn = both(lambda key, width: diagram(found, forecasts, 0, key, width), "reliability")
    return found, dict(drawn)


def _rows(said: Sequence[tuple[Said, int]]) -> "Forecasts":
    """As the rows of a backtest, of one unit and without baselines."""
    import numpy as np

    from forecast.backtest import Forecasts

    p = np.array([one.probability for one, _ in said])
    origin = np.array([one.as_of.timestamp() / 86_400 for one, _ in said])
    outcome = np.array([float(came) for _, came in said])
    unit, unknown = np.zeros(len(p), dtype=np.int64), np.full(len(p), math.nan)
    return Forecasts(("",), unit, origin, p, p, p, outcome, unknown)


def _backtests(desk: Desk) -> "list[BacktestReport]":
    from forecast.reports.backtest.view import build_report

    none = _rows([])
    return [build_report(one, none) for one in desk.store.backtests.newest(BACKTESTS)]


def _certificates(desk: Desk) -> list[tuple[Certified, list[str]]]:
    """How each family stands, with the definitions here that it is for; those in use first."""
    used = defaultdict(list)
    for name, table in desk.config().definitions.items():
        if table.within is None:
            used[table.model].append(name)
    found = [(one, used.get(one.family, [])) for one in desk.certified()]
    return sorted(found, key=lambda pair: (not pair[1], pair[0].family))

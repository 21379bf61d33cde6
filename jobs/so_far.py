"""How the forecasts of running questions stand so far; see `forecast.scoring.censored`.

All whose window is running are scored, those that an event has answered already among them: to
leave these out would be to look at the answer. Judged is the first forecast of each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from forecast.estimate import CurvePoint, Estimate
from forecast.evidence import Outcome
from forecast.question import Question
from forecast.resolving import Endings
from forecast.scoring.censored import SoFar, score_so_far
from jobs.app import App
from jobs.questions import endings_at


@dataclass(frozen=True, slots=True)
class Running:
    """One running question: its first forecast, the event if it came, and the scores so far."""

    question: Question
    forecast: Estimate
    event_at: datetime | None
    score: SoFar


@dataclass(frozen=True, slots=True)
class Standings:
    """The running questions that can be scored, and those that cannot, with why not."""

    scored: tuple[Running, ...]
    left_out: dict[str, str]


def so_far(app: App, now: datetime) -> Standings:
    """The scores so far of every question whose window is running at `now`."""
    asked = [q for q in app.store.questions() if q.opens_at < now < q.deadline]
    endings = endings_at(app, asked, now)
    scored, left_out = [], {}
    for question in asked:
        found = _running(app, question, endings[question.unit], now)
        if isinstance(found, str):
            left_out[question.question_id] = found
        else:
            scored.append(found)
    return Standings(tuple(scored), left_out)


def means(scored: tuple[Running, ...]) -> dict[str, float]:
    """The mean of each score over questions; nothing of none."""
    names = ("brier", "log_loss", "integrated_brier", "censored_log")
    n = len(scored)
    return {name: sum(getattr(r.score, name) for r in scored) / n for name in names if n}


def _running(app: App, question: Question, endings: Endings, now: datetime) -> Running | str:
    end = endings.of(question)
    if end is not None and end.outcome is not Outcome.YES:
        return f"it ended {end.outcome.value} before its deadline"
    event_at = _answered_at(question, endings) if end else None
    if end and event_at is None:
        return "it ended yes by a word, without the time of an event"
    first = next(_forecasts(app, question, now), None)
    if first is None:
        return "there is no forecast of it since it opened"
    start = max(question.opens_at, first.as_of)
    if event_at is not None and event_at < start:
        return "it was forecast first when the event had happened"
    curve = _inside(question, first)
    return Running(question, first, event_at, score_so_far(curve, start, event_at, now))


def _inside(question: Question, forecast: Estimate) -> list[CurvePoint]:
    """The curve of a forecast as far as the question's deadline, where it is the forecast."""
    band = forecast.interval
    last = CurvePoint(question.deadline, forecast.probability, band.lower, band.upper)
    return [*(point for point in forecast.curve if point.by < question.deadline), last]


def _answered_at(question: Question, endings: Endings) -> datetime | None:
    """When the event came that made as many as the question asks for."""
    came = sorted(event.occurred_at for event in endings.counting(question).events)
    return came[question.at_least - 1] if len(came) >= question.at_least else None


def _forecasts(app: App, question: Question, now: datetime) -> Iterator[Estimate]:
    """Those made before `now` and since the question opened."""
    made = app.store.estimates(question.question_id, question.opens_at, now)
    return (estimate for estimate in made if estimate.as_of < now)

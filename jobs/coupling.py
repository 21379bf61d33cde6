"""Two streams of a watch, judged in both directions."""

from datetime import datetime, timedelta

from forecast.errors import UsageError
from forecast.names import did_you_mean
from forecast.question import Question, Snapshot
from jobs.app import App
from models.coupling import Belief, Following, Stream, following


def judge(
    app: App, one: str, other: str, as_of: datetime, probability: float, half_life: float
) -> tuple[Following, Following]:
    """Whether each stream follows the other; UsageError where one is not known or too short."""
    first, second = (_stream(app, text, as_of) for text in (one, other))
    if first[0] == second[0]:
        raise UsageError(f"'{first[0]}' is the same stream twice")
    belief, seed = Belief(probability, half_life), app.config.watch.seed
    return following(first, second, belief, seed), following(second, first, belief, seed)


def _stream(app: App, text: str, as_of: datetime) -> tuple[Stream, Snapshot]:
    stream = Stream.parse(text)
    probe = Question("-", "-", stream.unit, "-", as_of, as_of + timedelta(days=1))
    snapshot = app.store.snapshot(probe, as_of)
    if not snapshot.reports:
        units = {question.unit for question in app.store.questions()} | set(app.config.units)
        hint = did_you_mean(stream.unit, units - {stream.unit})
        raise UsageError(f"nothing was reported of the unit '{stream.unit}'{hint}")
    return stream, snapshot

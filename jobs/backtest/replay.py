"""A desk of the past: its facts in a store of its own, and updates as of one moment after another.

What a worker does for one block of questions. Nothing is written to the watch: the store is a
scratch file that goes when the block is done.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from forecast.config import Config
from forecast.errors import TocsinError
from forecast.estimate import Estimate
from forecast.question import Question
from forecast.store import open_store
from forecast.watch import Watch
from jobs.app import App
from jobs.decisions import Occasion
from jobs.update import failure_of, update_questions
from models.api import Task
from models.priors.beliefs import beliefs_of
from models.registry import family

BASE_RATE = "base-rate"
_SPLIT = b"\n"  # between the configuration, which is JSON on one line, and the facts


def pack_desk(app: App) -> bytes:
    """What a replay needs of a watch: its beliefs and its facts, and nothing of its channels."""
    aside = {"channels", "subscriptions", "heartbeat", "quiet", "schedules"}
    config = app.config.model_dump_json(exclude=aside, exclude_unset=True)
    return config.encode() + _SPLIT + app.store.backtests.facts()


@lru_cache(maxsize=2)
def config_of(packed: bytes) -> Config:
    """The configuration of a packed desk."""
    return Config.model_validate_json(packed.split(_SPLIT, 1)[0])


@contextmanager
def scratch(packed: bytes, known_before: datetime | None = None) -> Iterator[tuple[App, int]]:
    """The desk on a store that goes again, and how many facts were left out of it.

    With a moment, it holds only what was known before.
    """
    config = config_of(packed)
    with TemporaryDirectory(prefix="tocsin-backtest-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'scratch.db'}"
        with open_store(url, rule=config.incidents.rule()) as store:
            left_out = store.backtests.replay(packed.split(_SPLIT, 1)[1], known_before)
            yield App(Watch(folder, config), store), left_out


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a family said of a question as of a moment, and what the family base-rate said."""

    question_id: str
    as_of: datetime
    estimate: Estimate
    base_rate: float | None


def forecasts(
    app: App, due: Sequence[tuple[datetime, Sequence[Question]]], failures: list[TocsinError]
) -> Iterator[Forecast]:
    """Update the questions that are due at each moment, in the order of the moments."""
    for as_of, questions in due:
        updated = update_questions(app, questions, as_of, Occasion(as_of, rings=False))
        failures += updated.failures
        plain = _base_rates(app, questions, as_of, failures)
        for estimate in updated.estimates:
            name = estimate.question_id
            yield Forecast(name, as_of, estimate, plain.get(name))


def _base_rates(
    app: App, questions: Sequence[Question], as_of: datetime, failures: list[TocsinError]
) -> dict[str, float]:
    """P of each question by its base rate, the events and the days alone."""
    found = {}
    for question in questions:
        beliefs = beliefs_of(app.config, question.definition)
        snapshot = app.store.snapshot(question, as_of)
        task = Task(snapshot, beliefs, (question,), app.config.watch.seed)
        try:
            answer = family(BASE_RATE).update(task, None)
        except Exception as error:  # noqa: BLE001 - one question must not stop the others
            failures.append(failure_of(f"{question.question_id}/{BASE_RATE}", error))
            continue
        found[question.question_id] = answer.estimates[0].probability
    return found

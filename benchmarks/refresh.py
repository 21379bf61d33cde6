"""Ten thousand open questions estimated anew as of now, futures and all; nothing new was heard."""

import resource
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.rows import Row
from benchmarks.soak.run import fit_pasts
from benchmarks.soak.world import QUESTIONS_A_UNIT, past_reports, questions, write_watch
from benchmarks.timing import say
from forecast.processors import usable_processors
from forecast.store import open_store
from jobs.app import App, open_app
from jobs.computing import Computing
from jobs.decisions import Occasion
from jobs.update import update_questions

QUESTIONS = 10_000
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
NAME = f"{QUESTIONS:,} questions refreshed"


def measure(cache: Path, full: bool) -> Iterator[Row]:
    """Seconds from reading the questions to the last commit, as `tocsin serve` does it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_watch(folder, "http://127.0.0.1:9/")
        units = QUESTIONS // QUESTIONS_A_UNIT
        with open_store(f"sqlite:///{folder}/tocsin.db") as store:
            store.add_questions(questions(units, NOW), NOW)
            store.add_reports(past_reports(units, NOW, 1), NOW)
        say(f"the first fits of {units:,} units")
        fit_pasts(folder, units, NOW)
        with open_app(folder) as app:
            computing = Computing()
            try:
                say(f"first estimates of {QUESTIONS:,} questions")
                _refresh(app, computing, NOW + timedelta(minutes=1))
                say("and all of them again, an hour later")
                began = perf_counter()
                _refresh(app, computing, NOW + timedelta(hours=1))
                took = perf_counter() - began
            finally:
                computing.close()
    cores = usable_processors()
    yield Row(f"{NAME}, {cores} cores", took, "s", at_most=10)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    yield Row(f"{NAME}, memory of the process", peak, "MB", at_most=600)


def _refresh(app: App, computing: Computing, moment: datetime) -> None:
    asked = app.store.questions()
    updated = update_questions(app, asked, moment, Occasion(moment), computing.infer)
    assert len(updated.estimates) == QUESTIONS, updated.failures

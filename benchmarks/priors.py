"""A prior retuned: every open question before and after, and the record, before it is written."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.flagship import AS_OF, UNIT, copy_flagship
from benchmarks.rows import Row
from benchmarks.timing import median_seconds, say
from forecast.clock import format_instant
from forecast.evidence import Outcome, Resolution
from forecast.question import Question
from jobs.app import App, open_app
from jobs.decisions import Occasion
from jobs.update import update_questions

TOCSIN = Path(sys.executable).with_name("tocsin")
UNITS, EACH, RUNS = 20, 5, 5
PAST_UNITS, PAST_DAYS = 7, (40, 30, 20)  # estimates of a question that has ended, days ago
WORDS = {"a nudge": "0.5%..3% per quarter", "three spreads away": "5%..15% per quarter"}


def measure(cache: Path, full: bool) -> Iterator[Row]:
    """Seconds of `tocsin priors set --dry-run` with a hundred questions open, a whole process."""
    with TemporaryDirectory() as name:
        folder = copy_flagship(Path(name) / "watch")
        with open_app(folder) as app:
            root, count = _fill(app)
        for what, words in WORDS.items():
            told = json.loads(_preview(folder, root, words, "--json"))
            took = median_seconds(partial(_preview, folder, root, words), RUNS)
            yield Row(f"tocsin priors set --dry-run, {count} open, {what}", took, "s", at_most=2)
            fitted = sum(q["after"]["method"] != "weighed" for q in told["questions"])
            yield Row(f"... of {len(told['questions'])} shown", fitted, "refits")
            yield Row("... and of the past", told["record"]["moments"], "moments")


def _preview(folder: Path, root: str, words: str, *more: str) -> str:
    moment = format_instant(AS_OF + timedelta(hours=1))
    command = [str(TOCSIN), "priors", "set", root, "base_rate", words, "--dry-run"]
    command += ["--as-of", moment, "--watch", str(folder), *more]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _fill(app: App) -> tuple[str, int]:
    """Units with the flagship's reports, questions at each, some ended; their root, how many."""
    reports = app.store.reports(UNIT, AS_OF)
    question = next(q for q in app.store.questions() if q.unit == UNIT)
    root = app.config.root_of(question.definition)
    for unit in (f"bench-{n}" for n in range(UNITS)):
        copies = (replace(r, unit=unit, report_id=f"{unit}-{r.report_id}") for r in reports)
        app.store.add_reports(copies, AS_OF)
        asked = [
            replace(
                question,
                question_id=f"{unit}-{k}",
                unit=unit,
                definition=root,
                deadline=AS_OF + timedelta(days=20 + 10 * k),
            )
            for k in range(EACH)
        ]
        app.store.add_questions(asked, AS_OF)
    inside = {d for d in app.config.definitions if app.config.root_of(d) == root}
    _live_through(app, replace(question, definition=root))
    open_ = [q for q in app.store.questions() if q.definition in inside and q.deadline > AS_OF]
    say(f"first estimates of {len(open_)} questions at {UNITS + 1} units")
    update_questions(app, open_, AS_OF, Occasion(AS_OF, rings=False))
    return root, len(open_)


def _live_through(app: App, like: Question) -> None:
    """Questions that have ended, each estimated a few times, no two at one moment."""
    for n in range(PAST_UNITS):
        shift, done = timedelta(hours=n), AS_OF - timedelta(days=10)
        began = AS_OF - timedelta(days=60)
        asked = replace(
            like, question_id=f"past-{n}", unit=f"bench-{n}", opens_at=began, deadline=done
        )
        app.store.add_questions([asked], began)
        for days in PAST_DAYS:
            at = AS_OF - timedelta(days=days) + shift
            update_questions(app, [asked], at, Occasion(at, rings=False))
        app.store.add_resolutions([Resolution(asked.question_id, Outcome.NO, done, "")], AS_OF)

"""A prior retuned: every open question before and after, and the record, before it is written."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.flagship import AS_OF, UNIT, copy_flagship
from benchmarks.rows import Row
from benchmarks.timing import median_seconds, say
from jobs.app import App, open_app
from jobs.decisions import Occasion
from jobs.prior_preview import preview
from jobs.retune import edit_for, plan_change
from jobs.update import update_questions

UNITS, EACH, RUNS = 20, 5, 3
WORDS = {"a nudge": "0.5%..3% per quarter", "three spreads away": "5%..15% per quarter"}


def measure(cache: Path, full: bool) -> Iterator[Row]:
    """Seconds for the preview of a change, with a hundred questions open."""
    with (
        TemporaryDirectory() as folder,
        open_app(copy_flagship(Path(folder) / "watch")) as app,
    ):
        root = _fill(app)
        inside = {d for d in app.config.definitions if app.config.root_of(d) == root}
        questions = [q for q in app.store.questions() if q.definition in inside]
        say(f"first estimates of {len(questions)} questions at {UNITS + 1} units")
        update_questions(app, questions, AS_OF, Occasion(AS_OF, rings=False))
        moment = AS_OF + timedelta(hours=1)
        for name, words in WORDS.items():
            change = plan_change(app.config, root, "base_rate", words)
            edited = edit_for(app.watch.folder, root, [change]).config
            found = preview(app, edited, root, moment)
            count = len(found.shifts)
            took = median_seconds(partial(preview, app, edited, root, moment), RUNS)
            yield Row(f"preview of a prior, {count} open, {name}", took, "s", at_most=2)
            fitted = sum(s.after.method != "weighed" for s in found.shifts)
            yield Row(f"preview of a prior, {name}", fitted, "refits")


def _fill(app: App) -> str:
    """Units with the flagship's reports, and questions at each; the root that they ask for."""
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
    return root

"""One report comes in: every open question of its unit anew, and every alert rule decided."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.contenders import PARAMETERS
from benchmarks.flagship import AS_OF, UNIT, copy_flagship
from benchmarks.rows import Row
from benchmarks.timing import alone, say, seconds
from forecast.estimate import Estimate
from forecast.evidence import Report
from forecast.question import Question
from jobs.app import App, open_app
from jobs.decisions import Occasion
from jobs.update import Snapshots, prepare, tracks_of, update_questions
from models.api import Task

REPORTS = 24
PAUSE = timedelta(minutes=55)  # between reports, so that one midnight and its new row pass
NAME = "one report in, a question"


def measure(cache: Path, full: bool) -> Iterator[Row]:
    """Milliseconds a question, from the report to the commit; and `pm.sample` for one."""
    with (
        TemporaryDirectory() as folder,
        open_app(copy_flagship(Path(folder) / "watch")) as app,
    ):
        questions = [q for q in app.store.questions() if q.unit == UNIT]
        say(f"first estimates of the flagship's {len(questions)} questions at {UNIT}")
        update_questions(app, questions, AS_OF, Occasion(AS_OF))
        say(f"{REPORTS} reports, one by one")
        answered = [_answer_report(app, questions, n) for n in range(1, REPORTS + 1)]
        task = _widest_task(app, questions)
    took = 1000 * median(took / len(estimates) for took, estimates in answered)
    refits = sum(e.method == "R1" for _, estimates in answered for e in estimates)
    yield Row(NAME, took, "ms", at_most=10)
    name = f"{REPORTS} reports, {len(answered[0][1])} questions each"
    yield Row(name, refits, "refits", at_most=0)
    say("pm.sample on the model of one question")
    sampled = 1000 * alone(cache / "small", sample, task)
    yield Row(NAME, took, "ms", "pm.sample", sampled, at_least=1000)


def _answer_report(app: App, questions: list[Question], n: int) -> tuple[float, list[Estimate]]:
    """Seconds from the n-th report to the commit of its last estimate, and the estimates."""
    known = AS_OF + n * PAUSE
    moment = known + timedelta(seconds=1)
    report = Report(
        f"bench-{n}", UNIT, "military.air-deployment", known, known, reliability="B", credibility=2
    )
    start = perf_counter()
    app.store.add_reports([report], moment)
    updated = update_questions(app, questions, moment, Occasion(moment))
    return perf_counter() - start, updated.estimates


def _widest_task(app: App, questions: list[Question]) -> Task:
    track = tracks_of(app, questions, [])[0]
    work = prepare(app, track, Snapshots(app, AS_OF), {})
    assert work is not None, "the flagship has open questions at AS_OF"
    return work.task


def sample(task: Task) -> float:
    """Seconds that `pm.sample` needs for the task's model, the better of two: it compiles anew."""
    import pymc as pm

    from models.hazard.density import hazard_model
    from models.hazard.formulas import Data, Prior
    from models.track import lay_out

    def run() -> None:
        with hazard_model(Data.of(lay_out(task).rows), Prior.of(task.beliefs)):
            pm.sample(var_names=PARAMETERS, random_seed=task.seed, progressbar=False, quiet=True)

    return min(seconds(run) for _ in range(2))

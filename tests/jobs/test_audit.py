"""The audit: what is right agrees, what is wrong is found, and nothing is written."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import jobs.audit
from forecast.audit import Audit, Verdict, doubt_of
from forecast.clock import DAY, days_between, parse_instant
from forecast.errors import HeldError
from forecast.estimate import Estimate, Health, Interval
from forecast.evidence import Event
from forecast.question import Question
from forecast.store import Store
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.audit import Audited, Found, audit_of, audit_questions, compare
from jobs.decisions import Failure, Work, states_of
from jobs.slots import Turn, audit_slot
from jobs.update import Snapshots, prepare
from models.api import Answer, EventModel, Task
from models.audit import Sampled
from models.base_rate import BaseRate
from models.covariates import Array
from models.engine.gates import Gate
from models.engine.ladder import Rung, climb
from models.engine.nuts import NutsJob
from models.engine.problem import Problem
from models.estimates import hold
from models.priors.beliefs import Beliefs
from models.track import estimate_digest

WATCH = """
[watch]
title = "test desk"

[definitions.strike]
base_rate = "10%..30% per quarter"
observed_since = 2025-01-01
recurrent = true
indicators = []

[[schedules]]
id = "nightly"
kind = "audit"
cron = "0 3 * * *"
"""
START = parse_instant("2025-06-01")
EVENTS = [
    Event(f"e{day}", "u", "strike", START - day * DAY, START - day * DAY + timedelta(hours=1))
    for day in (20, 60, 90)
]
DRAWS = 4000


class GammaPoisson:
    """Rates drawn from Gamma(1 + events, 300 + days); `sees` are the events of fast answers."""

    name = "gamma-poisson"

    def __init__(self, sees: Callable[[int], int] = lambda events: events) -> None:
        self.sees = sees
        self.seeds: list[int] = []

    def model_hash(self, beliefs: Beliefs) -> str:
        return "1"

    def update(self, task: Task, state: bytes | None) -> Answer:
        chances = self.chances(task, self.sees(len(task.snapshot.events)))
        return Answer(tuple(self.estimate(task, name, p) for name, p in chances.items()))

    def sampled(self, task: Task) -> Sampled:
        chances = self.chances(task, len(task.snapshot.events))
        answers = {
            name: (float(p.mean()), float(p.std()) / math.sqrt(DRAWS))
            for name, p in chances.items()
        }
        return Sampled(answers, diagnostics={"rhat": 1.001})

    def chances(self, task: Task, events: int) -> dict[str, np.ndarray]:
        self.seeds.append(task.seed)
        now = task.snapshot.as_of
        exposure = 300.0 + days_between(parse_instant("2025-01-01"), now)
        rates = np.random.default_rng(task.seed).gamma(1.0 + events, 1 / exposure, DRAWS)
        ahead = {q.question_id: days_between(now, q.deadline) for q in task.questions}
        return {name: -np.expm1(-rates * days) for name, days in ahead.items()}

    def estimate(self, task: Task, name: str, by_draw: np.ndarray) -> Estimate:
        return Estimate(
            question_id=name,
            as_of=task.snapshot.as_of,
            probability=float(by_draw.mean()),
            interval=Interval(0.0, 1.0),
            mcse=float(by_draw.std() / math.sqrt(DRAWS)),
            health=Health.HEALTHY,
            model=self.name,
            model_hash="1",
            method="T1",
            inputs_digest="d",
        )


class Broken(GammaPoisson):
    def sampled(self, task: Task) -> Sampled:
        raise ZeroDivisionError("no rows")


def question(name: str, deadline: str, unit: str = "u") -> Question:
    opens, end = START, parse_instant(deadline, end_of_day=True)
    return Question(name, f"{name}?", unit, "strike", opens, end)


@pytest.fixture
def app(store: Store, tmp_path: Path) -> App:
    store.add_questions([question("soon", "2025-06-20"), question("late", "2025-12-31")], START)
    store.add_events(EVENTS, START)
    return App(Watch(tmp_path, parse_config(WATCH)), store)


def run(app: App, model: EventModel, as_of: datetime = START) -> Audited:
    """Audit all questions with this model in the place of the configured one."""

    def compute(_: object, works: Iterable[Work]) -> Iterator[Found]:
        return (audit_of(work, model) for work in works)

    def record(audits: Sequence[Audit]) -> None:
        app.store.record_audits(audits, as_of)

    return audit_questions(app, app.store.questions(), as_of, record, compute)


def audits(app: App, model: EventModel) -> list[Audit]:
    audited = run(app, model)
    assert audited.failures == []
    return audited.audits


def test_the_same_posterior_sampled_anew_agrees_and_nothing_is_written(app: App) -> None:
    model = GammaPoisson()
    found = audits(app, model)
    assert {a.question_id: a.verdict for a in found} == {
        "soon": Verdict.AGREES,
        "late": Verdict.AGREES,
    }
    fast_seed, nuts_seed = model.seeds
    assert fast_seed != nuts_seed  # else the same draws would agree with themselves
    for audit in found:
        assert audit.p_nuts is not None
        assert audit.z is not None
        assert 0.0 < abs(audit.p_fast - audit.p_nuts) < 0.01
        assert (audit.track, audit.as_of) == ("u/strike/hazard", START)
        assert audit.diagnostics == {"rhat": 1.001}
    assert app.store.latest_estimate("soon") is None


def test_an_answer_from_other_rows_fails_and_says_by_how_much(app: App) -> None:
    found = audits(app, GammaPoisson(sees=lambda events: events - 1))
    assert {a.verdict for a in found} == {Verdict.FAILS}
    [soon] = [a for a in found if a.question_id == "soon"]
    assert soon.z is not None
    assert soon.z > 3
    assert soon.reason == (
        f"NUTS gives {soon.p_nuts:.4f} where T1 gives {soon.p_fast:.4f}, "
        f"{soon.z:.1f} Monte Carlo errors apart"
    )


def test_only_what_was_known_then_is_audited(app: App) -> None:
    moment = EVENTS[0].known_at - DAY
    [soon] = [a for a in run(app, GammaPoisson(), moment).audits if a.question_id == "soon"]
    assert (soon.as_of, soon.verdict) == (moment, Verdict.AGREES)
    # P(Gamma-Poisson > 0) = 1 - (b / (b + h))^a with the two events known by then
    exposure = 300.0 + days_between(parse_instant("2025-01-01"), moment)
    ahead = days_between(moment, app.store.question("soon").deadline)
    assert soon.p_fast == pytest.approx(1 - (exposure / (exposure + ahead)) ** 3, abs=0.01)


def test_closed_forms_are_left_out(app: App) -> None:
    assert audits(app, BaseRate()) == []


def test_a_track_that_fails_does_not_stop_the_others(app: App) -> None:
    app.store.add_questions([question("elsewhere", "2025-12-31", unit="v")], START)
    models = iter([Broken(), GammaPoisson()])

    def compute(_: object, works: Iterable[Work]) -> Iterator[Found]:
        for work in works:
            try:
                yield audit_of(work, next(models))
            except ZeroDivisionError as error:
                yield Failure(HeldError(str(error)))

    kept: list[Audit] = []
    audited = audit_questions(app, app.store.questions(), START, kept.extend, compute)
    assert [a.question_id for a in audited.audits] == ["elsewhere"]
    assert kept == audited.audits
    assert [str(failure) for failure in audited.failures] == ["no rows"]


def test_a_model_that_breaks_down_is_a_failure_in_words(app: App) -> None:
    states = states_of(app)
    work = prepare(app, app.store.questions(), Snapshots(app, START), states)
    assert work is not None
    unknown = replace(work, task=replace(work.task, beliefs=replace(work.task.beliefs, model="x")))
    found = jobs.audit.audit(unknown)
    assert isinstance(found, Failure)
    assert "no model family 'x'" in str(found.error)


def test_a_failed_audit_is_a_doubt_of_later_updates_until_one_agrees(app: App) -> None:
    wrong, right = GammaPoisson(sees=lambda events: events - 1), GammaPoisson()

    def doubt(day: int) -> str:
        seen = Snapshots(app, START + day * DAY)
        work = prepare(app, app.store.questions(), seen, {})
        assert work is not None
        return work.task.doubt

    assert doubt(1) == ""
    run(app, wrong, START + 2 * DAY)
    assert doubt(1) == ""
    assert doubt(3).startswith("the audit failed: NUTS gives 0.")
    run(app, right, START + 4 * DAY)
    assert doubt(3)
    assert doubt(5) == ""
    assert [a.verdict for a in app.store.audits("soon")] == [Verdict.FAILS, Verdict.AGREES]


def test_what_a_doubted_rung_answers_is_unverified_and_what_nuts_answers_is_not(app: App) -> None:
    work = prepare(app, app.store.questions(), Snapshots(app, START), {})
    assert work is not None
    task = replace(work.task, doubt="the audit failed: by 9 errors")
    held = hold(task, ESTIMATE, Gate())
    assert (held.health, held.reason) == (Health.UNVERIFIED, task.doubt)
    assert held.probability == ESTIMATE.probability
    by_nuts = replace(ESTIMATE, method="R2")
    assert hold(task, by_nuts, Gate()) == by_nuts
    assert hold(work.task, ESTIMATE, Gate()) == ESTIMATE


class StandardNormal:
    """A target of one parameter."""

    start, scale = np.zeros(1), np.ones(1)

    def value_and_gradient(self, theta: Array) -> tuple[float, Array]:
        return float(-0.5 * theta @ theta), -theta

    def log_prior(self, draws: Array) -> Array:
        return -0.5 * (draws**2).sum(axis=1)

    def log_likelihood(self, draws: Array) -> Array:
        return np.zeros(len(draws))


def test_the_ladder_asks_nuts_first_where_it_is_doubted() -> None:
    def no_program() -> NutsJob:
        raise HeldError("it did not compile")

    problem = Problem(
        target=StandardNormal(),
        seed=1,
        prior_digest="p",
        data_digest="d",
        size=1,
        nuts_job=no_program,
    )

    def chances(rung: Rung) -> dict[str, Array]:
        return {"q": 1 / (1 + np.exp(-rung.posterior.draws[:, 0]))}

    doubted = climb(problem, None, chances, is_doubted=True)
    assert (doubted.method, doubted.failed) == ("R1", ("R2: it did not compile",))
    assert climb(problem, None, chances).failed == ()


def test_a_doubt_is_part_of_what_an_estimate_depends_on(app: App) -> None:
    work = prepare(app, app.store.questions(), Snapshots(app, START), {})
    assert work is not None
    asked, doubted = work.task.questions[0], replace(work.task, doubt="by 9 errors")
    assert estimate_digest(doubted, asked, "f", "m") != estimate_digest(work.task, asked, "f", "m")


def test_an_audit_is_a_run_of_its_schedule(app: App) -> None:
    schedule = app.config.schedules[0]
    assert schedule.kind == "audit"
    wrong = GammaPoisson(sees=lambda events: events - 1)

    def compute(_: object, works: Iterable[Work]) -> Iterator[Found]:
        return (audit_of(work, wrong) for work in works)

    audited = audit_slot(app, Turn(schedule, START, "me", lambda: START), compute)
    assert audited is not None
    [ran] = app.store.runs()
    assert (ran.schedule_id, ran.status, ran.detail) == ("nightly", "done", "2 contradicted")
    assert app.store.audits("soon") + app.store.audits("late") == sorted(
        audited.audits, key=lambda a: a.question_id, reverse=True
    )
    assert audit_slot(app, Turn(schedule, START, "you", lambda: START), compute) is None


ESTIMATE = Estimate(
    "q", START, 0.30, Interval(0.2, 0.4), 0.003, Health.HEALTHY, "hazard", "1", "R1", "d"
)


@pytest.mark.parametrize(
    ("estimate", "sampled", "verdict", "words"),
    [
        # sqrt(.003^2 + .004^2) = .005
        (ESTIMATE, Sampled({"q": (0.309, 0.004)}), Verdict.AGREES, ""),
        (ESTIMATE, Sampled({"q": (0.311, 0.004)}), Verdict.WARNS, "NUTS gives 0.3110 where R1"),
        (ESTIMATE, Sampled({"q": (0.284, 0.004)}), Verdict.FAILS, "3.2 Monte Carlo errors apart"),
        (ESTIMATE, Sampled({"q": (0.9, 0.004)}, "R-hat 1.2 of p"), Verdict.OPEN, "R-hat 1.2 of p"),
        (ESTIMATE, Sampled({}, "NUTS took more than 600 s"), Verdict.OPEN, "took more than"),
        (ESTIMATE, Sampled({"other": (0.3, 0.004)}), Verdict.OPEN, "NUTS gave no answer"),
        (
            replace(ESTIMATE, health=Health.HELD, reason="too few draws"),
            Sampled({"q": (0.9, 0.004)}),
            Verdict.OPEN,
            "the estimate is held: too few draws",
        ),
    ],
)
def test_two_answers_are_compared_in_errors_of_their_difference(
    estimate: Estimate, sampled: Sampled, verdict: Verdict, words: str
) -> None:
    audit = compare("u/strike/hazard", estimate, sampled)
    assert audit.verdict is verdict
    assert words in audit.reason
    assert bool(audit.reason) == (verdict is not Verdict.AGREES)
    assert (audit.z is None) == (verdict is Verdict.OPEN)


def at(p_nuts: float, days: int = 0, reason: str = "") -> Audit:
    estimate = replace(ESTIMATE, as_of=START + days * DAY)
    return compare("t", estimate, Sampled({"q": (p_nuts, 0.004)}, reason))


@pytest.mark.parametrize(
    ("found", "doubt"),
    [
        ([], ""),
        ([at(0.30)], ""),
        ([at(0.40)], "the audit failed: NUTS gives 0.4000"),
        (
            [at(0.30), at(0.40), at(0.50)],
            "the audit failed: NUTS gives 0.5000",
        ),
        ([at(0.40), at(0.30, days=1)], ""),
        ([at(0.40), at(0.311, days=1)], ""),
        (
            [at(0.40), at(0.90, days=1, reason="R-hat")],
            "the audit failed: NUTS gives 0.4",
        ),
    ],
)
def test_a_failed_audit_is_a_doubt_until_a_newer_one_that_was_judged(
    found: list[Audit], doubt: str
) -> None:
    assert doubt_of(found).startswith(doubt)
    assert bool(doubt_of(found)) == bool(doubt)

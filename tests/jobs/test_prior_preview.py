"""What a change of a prior would do: by weighing draws, and by running the model."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from forecast.belief import moved_words
from forecast.clock import utc_now
from forecast.config import Config
from forecast.errors import UsageError
from forecast.evidence import Outcome, Report, Resolution
from forecast.question import Question
from jobs.app import App, open_app
from jobs.decisions import Occasion, Work
from jobs.prior_learnt import moved_by_data
from jobs.prior_preview import FEW, OF_EACH, preview, shifts_of
from jobs.retune import edit_for, plan_change
from jobs.update import Snapshots, infer, prepare, tracks_of, update_questions
from jobs.what_if import imagine
from models.api import Answer
from tests.jobs.desk import make_desk

DAY = timedelta(days=1)
NOW = utc_now().replace(microsecond=0)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A desk of the hazard with draws, and one question that was resolved."""
    desk = make_desk(tmp_path_factory.mktemp("desk"), model="hazard")
    here = "[definitions.strike]  # what we watch\n"
    desk.rewrite(here, f"{here}observed_since = {NOW - 200 * DAY:%Y-%m-%d}\n")
    with open_app(desk.folder) as opened:
        store, done = opened.store, NOW - 10 * DAY
        past = Question("q-past", "?", "harbour", "strike", NOW - 60 * DAY, done)
        store.add_questions([past], NOW - 60 * DAY)
        for days in (50, 40, 30, 20):
            at = NOW - days * DAY
            update_questions(opened, [past], at, Occasion(at, rings=False))
        store.add_resolutions([Resolution("q-past", Outcome.NO, done, "nothing")], NOW)
        update_questions(opened, store.questions(), NOW, Occasion(NOW, rings=False))
        yield opened


def edited(app: App, key: str, words: str) -> Config:
    change = plan_change(app.config, "strike", key, words)
    return edit_for(app.watch.folder, "strike", [change]).config


def refitted(app: App, config: Config, as_of: datetime) -> dict[str, float]:
    """P of every open question with the model really run under other beliefs."""
    then = replace(app, watch=replace(app.watch, config=config))
    found: dict[str, float] = {}
    for track in tracks_of(then, app.store.questions(), []):
        work = prepare(then, track, Snapshots(then, as_of), {})
        assert isinstance(work, Work)
        answer = infer(work)
        assert isinstance(answer, Answer)
        found |= {e.question_id: e.probability for e in answer.estimates}
    return found


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("base_rate", "25%..55% per quarter"),  # the weights carry that far
        ("base_rate", "1%..3% per quarter"),  # the draws are moved
        ("union.ballot", "0.5x..0.8x"),
        ("long-strike.share", "70%..80%"),
        ("half_life.union.ballot", "4 days"),
    ],
)
def test_what_is_weighed_is_what_a_fit_would_say(app: App, key: str, words: str) -> None:
    config = edited(app, key, words)
    shifts = preview(app, config, "strike", NOW + timedelta(hours=1), 0).shifts
    fits = refitted(app, config, NOW + timedelta(hours=1))
    assert {s.question.question_id for s in shifts} == {"q-strike", "q-long"}
    for shift in shifts:
        assert shift.after.method == "weighed"
        fit = fits[shift.question.question_id]
        error = 5 * math.hypot(shift.after.mcse, 0.01 * fit)
        assert shift.after.probability == pytest.approx(fit, abs=error)


def test_an_uncertain_half_life_is_another_model_and_is_run(app: App) -> None:
    config = edited(app, "half_life.union.ballot", "4..40 days")
    shifts = preview(app, config, "strike", NOW + timedelta(hours=1), 0).shifts
    assert {s.after.method for s in shifts} == {"R1"}


def test_a_belief_held_twice_as_strongly_pulls_further(app: App) -> None:
    found = preview(app, edited(app, "base_rate", "1%..3% per quarter"), "strike", NOW, 0)
    shift = next(s for s in found.shifts if s.question.question_id == "q-strike")
    assert shift.weaker is not None
    assert shift.stronger is not None
    assert shift.weaker != shift.stronger
    share = preview(app, edited(app, "long-strike.share", "70%..80%"), "strike", NOW, 0)
    assert {(s.weaker, s.stronger) for s in share.shifts} == {(None, None)}


def test_a_prior_nearer_to_what_happened_would_have_scored_better(app: App) -> None:
    lower = preview(app, edited(app, "base_rate", "1%..3% per quarter"), "strike", NOW).record
    higher = preview(app, edited(app, "base_rate", "60%..90% per quarter"), "strike", NOW).record
    assert lower is not None
    assert higher is not None
    assert (lower.questions, lower.moments, lower.known) == (1, OF_EACH, 4)
    assert lower.brier[1] < lower.brier[0] < higher.brier[1]
    assert lower.log_loss[1] < lower.log_loss[0] < higher.log_loss[1]
    assert lower.brier[0] == pytest.approx(higher.brier[0])


def test_what_was_said_once_the_answer_was_known_is_in_no_record(tmp_path: Path) -> None:
    with open_app(make_desk(tmp_path, model="base-rate").folder) as app:
        past = Question("q-past", "?", "harbour", "strike", NOW - 60 * DAY, NOW - 10 * DAY)
        app.store.add_questions([past], NOW - 60 * DAY)
        for days in (50, 40, 30, 20):
            at = NOW - days * DAY
            update_questions(app, [past], at, Occasion(at, rings=False))
        known = Resolution("q-past", Outcome.YES, NOW - 35 * DAY, "written down late")
        app.store.add_resolutions([known], NOW)
        record = preview(app, edited(app, "base_rate", "1%..3% per quarter"), "strike", NOW).record
    assert record is not None
    assert record.known == 2


def test_a_preview_writes_nothing(app: App) -> None:
    before = (app.store.latest_estimates(), app.store.prior_versions("strike"))
    preview(app, edited(app, "base_rate", "1%..3% per quarter"), "strike", NOW)
    assert (app.store.latest_estimates(), app.store.prior_versions("strike")) == before


# What the data have made of it


def test_what_data_moved_is_told_from_the_kept_draws(app: App) -> None:
    found = moved_by_data(app, "strike", NOW)
    assert found is not None
    by_key = {moved.key: moved for moved in found.beliefs}
    assert {"base_rate", "ceiling", "unit_spread", "effects.union.ballot"} <= by_key.keys()
    rate = by_key["base_rate"]
    assert rate.prior.lower == pytest.approx(0.30)
    assert rate.moved < 0  # half a year without a strike
    assert rate.now.median < rate.prior.median
    assert by_key["long-strike.share"].moved == 0
    assert moved_words(by_key["long-strike.share"]) == "hardly touched by the data"
    assert moved_words(replace(rate, moved=-1.3, narrower=0.4)) == (
        "down by 1.3 of its spread, 40 % narrower"
    )
    assert found.remark == ""


def test_draws_of_earlier_beliefs_are_said_to_be_so(app: App) -> None:
    config = edited(app, "base_rate", "1%..3% per quarter")
    then = replace(app, watch=replace(app.watch, config=config))
    found = moved_by_data(then, "strike", NOW)
    assert found is not None
    assert "earlier beliefs" in found.remark


def test_the_places_of_the_draws_are_those_of_the_models() -> None:
    from models.hazard.formulas import SCALARS as HAZARD
    from models.priors.learnt import SCALARS
    from models.self_exciting.density import SCALARS as HAWKES

    def ours(family: str) -> list[str]:
        names = {"base_rate": "log_rate", "shape": "log_shape", "ceiling": "log_ceiling"}
        return [names.get(n, n.replace("memory", "log_memory")) for n in SCALARS[family]]

    assert ours("hazard") == list(HAZARD)
    assert ours("self-exciting") == list(HAWKES)


# What if


def test_a_report_that_came_raises_the_number_and_its_retraction_lowers_it(app: App) -> None:
    one = imagine(app, "q-strike", ["tag=union.ballot"], None, [], NOW)
    strong = imagine(app, "q-strike", ["tag=union.ballot,value=1"] * 2, None, [], NOW)
    old = imagine(app, "q-strike", ["tag=union.ballot,days-ago=60"], None, [], NOW)
    assert one.before < old.after < one.after < strong.after
    assert 0 < one.change_error < (one.after - one.before) / 5
    gone = f"union.ballot@{NOW - 5 * DAY:%Y-%m-%d}"
    taken = imagine(app, "q-strike", [], None, [gone], NOW)
    assert taken.after < taken.before


def test_silence_lets_the_window_run_out(app: App) -> None:
    assert (found := imagine(app, "q-strike", [], "30 days", [], NOW)).after < found.before
    assert found.words == ("30 days of silence",)
    assert imagine(app, "q-strike", [], "30d", [], NOW).after == found.after


def test_what_is_imagined_is_what_is_then_estimated(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, model="hazard")
    with open_app(desk.folder) as app:
        update_questions(app, app.store.questions(), NOW, Occasion(NOW, rings=False))
        later = NOW + timedelta(hours=1)
        found = imagine(app, "q-strike", ["tag=union.ballot,reliability=A"], None, [], later)
        at = later - timedelta(microseconds=1)
        report = Report("r-new", "harbour", "union.ballot", at, at, reliability="A", credibility=2)
        app.store.add_reports([report], later)
        update_questions(app, app.store.questions(), later, Occasion(later, rings=False))
        estimate = app.store.latest_estimate("q-strike")
    assert estimate is not None
    assert found.after == pytest.approx(estimate.probability, abs=1e-9)


@pytest.mark.parametrize(
    ("reports", "silence", "gone", "said"),
    [
        (["tag=union.balot"], None, [], "did you mean 'union.ballot'?"),
        (["tag=union.ballot,valu=1"], None, [], "did you mean 'value'?"),
        (["tag=union.ballot,days-ago=-1"], None, [], "from 0 on"),
        ([], "90 days", [], "the question is over: it has"),
        ([], None, ["union"], "bears on this question"),
        ([], None, [], "say what to imagine"),
    ],
)
def test_what_cannot_be_imagined_is_refused(
    app: App, reports: list[str], silence: str | None, gone: list[str], said: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        imagine(app, "q-strike", reports, silence, gone, NOW)


# Where nothing is open


def test_where_nothing_is_open_the_newest_moment_with_something_open_is_said(app: App) -> None:
    later = NOW + 400 * DAY
    config = edited(app, "base_rate", "1%..3% per quarter")
    found = preview(app, config, "strike", later, 0)
    assert found.shifts == ()
    assert found.last_open == NOW
    assert found.last_open is not None
    assert preview(app, config, "strike", found.last_open, 0).shifts != ()
    assert preview(app, config, "strike", NOW, 0).last_open is None
    assert preview(app, config, "strike", NOW - 300 * DAY, 0).last_open is None


def test_the_record_is_of_several_questions_at_one_moment_as_of_each(app: App) -> None:
    config = edited(app, "base_rate", "1%..3% per quarter")
    [past] = [q for q in app.store.questions() if q.question_id == "q-past"]
    whole = shifts_of(app, config, app.store.questions(), NOW - 20 * DAY, {})
    alone = shifts_of(app, config, [past], NOW - 20 * DAY, {}, FEW)
    one = next(s for s in whole if s.question.question_id == "q-past")
    assert one.after.probability == pytest.approx(alone[0].after.probability, abs=0.02)

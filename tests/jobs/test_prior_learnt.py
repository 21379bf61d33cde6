"""What data made of a prior is put on record by updates, and read as of any moment."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from forecast.belief import Learnt
from forecast.clock import utc_now
from forecast.evidence import Event, Report
from forecast.reports.as_json import question_json
from jobs.app import App, open_app
from jobs.decisions import Occasion, Work
from jobs.prior_learnt import Informed, moved_by_data
from jobs.priors import beliefs_in
from jobs.reporting import question_report
from jobs.update import Snapshots, infer, prepare, tracks_of, update_questions
from models.api import Answer
from tests.jobs.desk import make_desk

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NOW = utc_now().replace(microsecond=0)
FIRST, SECOND, THIRD = NOW - 3 * DAY, NOW - 2 * DAY, NOW - DAY


def update(app: App, at: datetime) -> str:
    """Update all questions as of a moment; the method of the first estimate."""
    done = update_questions(app, app.store.questions(), at, Occasion(at, rings=False))
    assert not done.failures
    return done.estimates[0].method


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A desk of the family `hazard`: a fit, a day with a report, and one with news of a strike."""
    desk = make_desk(tmp_path_factory.mktemp("desk"), model="hazard")
    here = "[definitions.strike]  # what we watch\n"
    observed = f"observed_since = {NOW - 300 * DAY:%Y-%m-%d}\nrecurrent = true\n"
    desk.rewrite(here, f"{here}{observed}")
    with open_app(desk.folder) as opened:
        assert update(opened, FIRST) == "R1"
        known = FIRST + HOUR
        report = Report("r-late", "harbour", "union.ballot", known, known, source="Wire")
        opened.store.add_reports([report], known)
        assert update(opened, SECOND) == "T1"
        known = SECOND + HOUR  # of a strike before the questions opened, which it does not end
        event = Event("e-strike", "harbour", "long-strike", NOW - 100 * DAY, known)
        opened.store.add_events([event], known)
        assert update(opened, THIRD) == "T1"
        yield opened


def learnt(app: App, at: datetime) -> Learnt:
    found = app.store.learnt.at("strike", "harbour", at)
    assert found is not None
    return found


def test_a_fit_puts_on_record_what_the_kept_draws_say_in_the_words_of_the_prior(app: App) -> None:
    first = learnt(app, FIRST)
    assert (first.as_of, first.model, first.track) == (FIRST, "hazard", "harbour/strike/hazard")
    sizes = [abs(belief.moved) for belief in first.beliefs]
    assert sizes == sorted(sizes, reverse=True)
    by_key = {belief.key: belief for belief in first.beliefs}
    assert set(by_key) == {
        *("base_rate", "ceiling", "unit_spread"),
        *("effects.union.ballot", "long-strike.share"),
    }
    sign = by_key["effects.union.ballot"]
    assert (sign.words, sign.fading) == ("1.5x..4x, 90% sure", "30 days")
    assert sign.prior.lower == pytest.approx(1.5)
    assert by_key["base_rate"].moved < 0  # most of a year without a strike


def test_what_was_believed_is_the_same_in_a_report_and_in_priors_show(app: App) -> None:
    shown = {belief.key: belief.numbers for belief in beliefs_in(app.config, "strike")}
    for belief in learnt(app, FIRST).beliefs:
        assert str(belief.prior) == str(shown[belief.key]), belief.key


def test_draws_that_are_only_weighed_anew_are_not_told_again(app: App) -> None:
    assert learnt(app, SECOND) == learnt(app, FIRST)


def test_an_event_is_told_though_the_draws_were_kept_and_the_past_stays_as_it_was(app: App) -> None:
    before, after = ({b.key: b for b in learnt(app, at).beliefs} for at in (THIRD - HOUR, THIRD))
    assert learnt(app, THIRD).as_of == THIRD
    assert after["base_rate"].now.median > before["base_rate"].now.median
    assert after["long-strike.share"].now.median > before["long-strike.share"].now.median
    assert before["long-strike.share"].moved == 0


def test_a_report_of_a_moment_shows_the_beliefs_of_that_moment_and_not_later_ones(app: App) -> None:
    question = app.store.question("q-strike")

    def told(at: datetime) -> object:
        found = question_json(question_report(app, question, at))["beliefs"]
        return found and found["as_of"]

    assert told(FIRST - HOUR) is None
    assert told(SECOND) == f"{FIRST:%Y-%m-%dT%H:%M:%SZ}"
    assert told(THIRD - HOUR) == f"{FIRST:%Y-%m-%dT%H:%M:%SZ}"
    assert told(NOW) == f"{THIRD:%Y-%m-%dT%H:%M:%SZ}"


def test_the_command_and_the_record_say_the_same(app: App) -> None:
    found = moved_by_data(app, "strike", FIRST)
    assert found is not None
    recorded = {b.key: b for b in learnt(app, FIRST).beliefs}
    for belief in found.beliefs:
        if belief.key != "long-strike.share":  # of which the facts of then are read
            kept = recorded[belief.key]
            assert kept.now.median == pytest.approx(belief.now.median, rel=1e-5)
            assert kept.moved == pytest.approx(belief.moved, rel=1e-4)


def work_of(app: App, at: datetime) -> Work:
    seen = Snapshots(app, at)
    [track] = tracks_of(app, app.store.questions(), [])
    work = prepare(app, track, seen, {})
    assert work is not None
    return work


def test_an_old_store_gets_it_with_the_next_update_though_nothing_is_fitted(app: App) -> None:
    work = work_of(app, NOW)
    assert work.is_told
    told = infer(work)
    assert isinstance(told, Answer)
    assert not isinstance(told, Informed)
    answer = infer(replace(work, is_told=False))
    assert isinstance(answer, Informed)
    assert answer.state == work.state
    assert answer.learnt is not None
    assert answer.learnt.as_of == NOW


def test_of_a_conjugate_rate_each_day_is_told_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    desk = make_desk(tmp_path_factory.mktemp("plain"))
    with open_app(desk.folder) as app:
        moments = [FIRST, FIRST + timedelta(seconds=1), SECOND]
        for at in moments:
            update(app, at)
        assert [learnt(app, at).as_of for at in moments] == [FIRST, FIRST, SECOND]
        first, second = (learnt(app, at).beliefs[0] for at in (FIRST, SECOND))
    assert first.key == second.key == "base_rate"
    assert second.now.median < first.now.median

"""One update from end to end on a real store: what it reads, decides and records."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from forecast.alert import RuleState, State
from forecast.clock import DAY, parse_instant
from forecast.errors import ConfigError, ConflictError, HeldError, StoreError
from forecast.estimate import Health
from forecast.evidence import Event, Outcome, Report, Resolution
from forecast.question import Question
from forecast.store import RunClaim, Store
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.decisions import Failure, Occasion, Updated, Work
from jobs.update import Inferred, update_questions

WATCH = """
[watch]
title = "test desk"

[indicators.march]
effect = "1.5x..4x"
half_life = "30 days"

[definitions.strike]
base_rate = "10%..30% per quarter"
ceiling = "one in 2..8 weeks"
indicators = ["march"]
observed_since = 2025-01-01
recurrent = true
grace = "10 days"

[definitions.long-strike]
within = "strike"
share = "20%..60%"
grace = "10 days"

[[rules]]
id = "likely"
questions = ["*"]
fire_at = "10%"
clear_at = "5%"
dwell = 1

[[channels]]
id = "desk"
kind = "webhook"
url = "env:NOT_SENT_IN_THESE_TESTS"

[[subscriptions]]
channel = "desk"
"""
START = parse_instant("2025-06-01")


def question(name: str = "q", definition: str = "strike", deadline: str = "2025-08-31") -> Question:
    end = parse_instant(deadline, end_of_day=True)
    return Question(name, f"{name}?", "u", definition, parse_instant("2025-05-01"), end)


def report(name: str, known: datetime, tag: str = "march") -> Report:
    return Report(name, "u", tag, known - timedelta(hours=6), known, reliability="A", credibility=1)


@pytest.fixture
def app(store: Store, tmp_path: Path) -> App:
    return App(Watch(tmp_path, parse_config(WATCH)), store)


def with_config(app: App, old: str, new: str) -> App:
    assert old in WATCH
    return App(Watch(app.watch.folder, parse_config(WATCH.replace(old, new))), app.store)


def update(app: App, as_of: datetime, now: datetime | None = None) -> Updated:
    return update_questions(app, app.store.questions(), as_of, Occasion(now or as_of))


def test_an_estimate_is_stored_with_all_that_it_rests_on(app: App) -> None:
    app.store.add_questions([question()], START)
    [estimate] = update(app, START).estimates
    [stored] = app.store.estimates("q")
    assert stored == estimate
    assert estimate.health is Health.HEALTHY
    assert 0.05 < estimate.probability < 0.4
    assert estimate.interval.lower < estimate.probability < estimate.interval.upper
    assert estimate.prior_version == 1
    prior = app.store.latest_prior("strike")
    assert prior is not None
    assert prior.words["base_rate"] == "10%..30% per quarter"


def test_the_same_inputs_are_not_computed_again(app: App) -> None:
    app.store.add_questions([question()], START)
    first = update(app, START)
    again = update_questions(app, app.store.questions(), START, Occasion(START), _only_standing)
    assert again.estimates == first.estimates
    assert len(app.store.estimates("q")) == 1


def _only_standing(infer: Callable[[Work], Inferred], works: Iterable[Work]) -> Iterator[Inferred]:
    for work in works:
        assert work.same, "the stored estimate was not recognised"
        yield infer(work)


def test_a_new_report_is_other_inputs(app: App) -> None:
    app.store.add_questions([question()], START)
    [before] = update(app, START).estimates
    app.store.add_reports([report("r", START - DAY)], START)
    [after] = update(app, START).estimates
    assert after.inputs_digest != before.inputs_digest
    assert after.probability > before.probability


def test_what_is_known_at_the_moment_or_later_changes_nothing(app: App) -> None:
    app.store.add_questions([question()], START)
    [before] = update(app, START).estimates
    app.store.add_reports([report("now", START), report("later", START + 3 * DAY)], START)
    later = Event("e", "u", "strike", START - DAY, START)
    app.store.add_events([later], START)
    app.store.add_resolutions([Resolution("q", Outcome.YES, START, "said")], START)
    [after] = update(app, START).estimates
    assert after == before


def test_a_narrower_question_is_never_likelier_and_shares_the_deadline(app: App) -> None:
    app.store.add_questions([question("wide"), question("narrow", "long-strike")], START)
    by_name = {e.question_id: e for e in update(app, START).estimates}
    assert by_name["narrow"].probability < by_name["wide"].probability
    for inner, outer in zip(by_name["narrow"].curve, by_name["wide"].curve, strict=True):
        assert inner.by == outer.by
        assert inner.probability <= outer.probability


def test_a_crossing_is_recorded_with_its_message_in_the_same_transaction(app: App) -> None:
    app.store.add_questions([question()], START)
    updated = update(app, START)
    [transition] = app.store.alerts.transitions("q")
    [delivery] = app.store.alerts.waiting()
    assert updated.transitions == [transition]
    assert (transition.before, transition.after) == (State.OK, State.FIRING)
    assert delivery.facts["question"]["title"] == "q?"
    assert delivery.facts["probability"] == pytest.approx(updated.estimates[0].probability)


def test_when_the_message_cannot_be_stored_nothing_is(app: App) -> None:
    app.store.add_questions([question()], START)
    app.store._database.write(lambda c: c.exec_driver_sql("ALTER TABLE notice RENAME TO gone"))
    with pytest.raises(StoreError):
        update(app, START)
    app.store._database.write(lambda c: c.exec_driver_sql("ALTER TABLE gone RENAME TO notice"))
    assert app.store.estimates("q") == []
    assert app.store.alerts.state("likely", "q") is None
    assert [n.kind for n in update(app, START).notices] == ["firing"]


def test_a_second_update_of_the_same_moment_sends_nothing_more(app: App) -> None:
    app.store.add_questions([question()], START)
    update(app, START)
    update(app, START)
    assert len(app.store.alerts.waiting()) == 1


def test_an_event_ends_the_question_and_closes_its_episode(app: App) -> None:
    app.store.add_questions([question()], START)
    update(app, START)
    app.store.add_events([Event("e", "u", "long-strike", START, START + DAY)], START + DAY)
    updated = update(app, START + 2 * DAY)
    assert [r.outcome for r in updated.resolutions] == [Outcome.YES]
    assert updated.estimates == []
    assert [d.kind for d in updated.notices] == ["resolved"]
    state = app.store.alerts.state("likely", "q")
    assert state is not None
    assert state.state is State.OK
    assert update(app, START + 3 * DAY) == Updated()


def test_after_the_deadline_a_question_waits_out_its_grace(app: App) -> None:
    app.store.add_questions([question(deadline="2025-06-02")], START)
    assert update(app, parse_instant("2025-06-03")) == Updated()
    assert update(app, parse_instant("2025-06-12")) == Updated()
    [resolution] = update(app, parse_instant("2025-06-13")).resolutions
    assert resolution.outcome is Outcome.NO


def test_an_estimate_of_the_past_rings_nobody(app: App) -> None:
    app.store.add_questions([question()], START)
    update(app, START + 20 * DAY)
    sent = len(app.store.alerts.waiting())
    app.store.add_reports([report("r", START + 9 * DAY)], START)
    past = update(app, START + 10 * DAY, now=START + 21 * DAY)
    assert past.estimates
    assert not past.notices
    assert len(app.store.alerts.waiting()) == sent


def test_a_report_that_comes_in_late_moved_it_as_evidence(app: App) -> None:
    app.store.add_questions([question()], START)
    update(app, START)
    late = report("late", START - 5 * DAY)
    app.store.add_reports([late], START + timedelta(hours=1))
    [moved] = [e.moved for e in update(app, START + timedelta(hours=2)).estimates]
    assert moved is not None
    assert moved.main_cause() == "evidence"
    assert moved.evidence > 0.1 > abs(moved.time)


def test_moves_tell_evidence_from_the_passing_of_time(app: App) -> None:
    app.store.add_questions([question()], START)
    update(app, START)
    [quiet] = update(app, START + DAY).estimates
    app.store.add_reports([report("r", START + DAY + timedelta(hours=3))], START)
    [stirred] = update(app, START + 2 * DAY).estimates
    assert quiet.moved is not None
    assert stirred.moved is not None
    assert quiet.moved.main_cause() == "time"
    assert quiet.moved.evidence == 0.0
    assert stirred.moved.main_cause() == "evidence"
    assert stirred.moved.evidence > 0


def test_an_edited_prior_is_a_new_version_and_the_cause_of_the_move(app: App) -> None:
    app.store.add_questions([question()], START)
    update(app, START)
    retuned = with_config(app, "10%..30% per quarter", "20%..50% per quarter")
    [estimate] = update(retuned, START + DAY).estimates
    assert estimate.prior_version == 2
    assert estimate.moved is not None
    assert estimate.moved.main_cause() == "prior"
    assert [v.version for v in app.store.prior_versions("strike")] == [1, 2]


def test_another_structure_is_another_model(app: App) -> None:
    app.store.add_questions([question()], START)
    [before] = update(app, START).estimates
    changed = with_config(app, 'half_life = "30 days"', 'half_life = "60 days"')
    [after] = update(changed, START + DAY).estimates
    assert after.model_hash != before.model_hash
    assert after.moved is not None
    assert after.moved.main_cause() == "model"


def test_a_restart_goes_on_from_the_stored_draws(app: App) -> None:
    app.store.add_questions([question()], START)
    [first] = update(app, START).estimates
    assert first.method == "R1"
    [second] = update(app, START + DAY).estimates
    assert second.method == "T1"


def test_a_question_nobody_defined_is_named_and_stops_no_other(app: App) -> None:
    app.store.add_questions([question(definition="uprising"), question("other")], START)
    updated = update(app, START)
    [failure] = updated.failures
    assert isinstance(failure, ConfigError)
    assert "definitions.uprising: question 'q' asks for it" in str(failure)
    assert [e.question_id for e in updated.estimates] == ["other"]


def test_a_model_that_fails_holds_the_last_number_and_says_why(app: App) -> None:
    app.store.add_questions([question()], START)
    [last] = update(app, START).estimates
    broken = with_config(app, 'half_life = "30 days"', 'half_life = "30 days"\ngroup = "g"')

    def fail(infer: Callable[[Work], Inferred], works: Iterable[Work]) -> Iterator[Inferred]:
        for _ in works:
            yield Failure(HeldError("the model failed: out of memory"))

    updated = update_questions(
        broken, app.store.questions(), START + DAY, Occasion(START + DAY), fail
    )
    [held] = updated.estimates
    assert (held.probability, held.health) == (last.probability, Health.HELD)
    assert held.reason == "the model failed: out of memory"
    assert app.store.latest_estimate("q") == held
    assert [str(f) for f in updated.failures] == ["the model failed: out of memory"]


def test_draws_that_cannot_be_read_are_made_anew(app: App) -> None:
    app.store.add_questions([question()], START)
    update(app, START)
    app.store.record(model_states=[("u/strike/hazard", START, b"junk")], recorded_at=START)
    [estimate] = update(app, START + DAY).estimates
    assert (estimate.method, estimate.health) == ("R1", Health.HEALTHY)


def test_an_update_as_of_the_past_rings_nobody(app: App) -> None:
    app.store.add_questions([question()], START)
    occasion = Occasion(START + 400 * DAY, rings=False)
    updated = update_questions(app, app.store.questions(), START, occasion)
    assert updated.estimates
    assert app.store.alerts.transitions() == []
    assert app.store.alerts.waiting() == []


def test_a_slot_that_runs_after_the_deadline_rings_nobody(app: App) -> None:
    app.store.add_questions([question(deadline="2025-06-10")], START)
    updated = update(app, START, now=START + 30 * DAY)
    assert updated.estimates
    assert updated.notices == []


def test_a_rule_decided_in_between_is_decided_again(app: App) -> None:
    app.store.add_questions([question()], START)

    def overtaken(infer: Callable[[Work], Inferred], works: Iterable[Work]) -> Iterator[Inferred]:
        for work in works:
            answer = infer(work)
            update(app, START + DAY)  # another process updates, and rings
            yield answer

    late = update_questions(app, app.store.questions(), START, Occasion(START + DAY), overtaken)
    assert late.notices == []
    state = app.store.alerts.state("likely", "q")
    assert state is not None
    assert (state.state, state.evaluated_as_of) == (State.FIRING, START + DAY)
    assert len(app.store.alerts.waiting()) == 1
    assert update(app, START + 2 * DAY).failures == []


def test_what_keeps_one_track_from_being_recorded_does_not_keep_those_beside_it(app: App) -> None:
    here, there = question(), replace(question("elsewhere"), unit="v")
    app.store.add_questions([here, there], START)
    update(app, START)

    def overtaken(infer: Callable[[Work], Inferred], works: Iterable[Work]) -> Iterator[Inferred]:
        answers = [infer(work) for work in works]
        later = START + 2 * DAY
        update_questions(app, [here], later, Occasion(later))  # another process, on one of them
        yield from answers

    now = START + 2 * DAY
    late = update_questions(app, [here, there], START + DAY, Occasion(now), overtaken)
    assert {e.question_id for e in late.estimates} == {"q", "elsewhere"}
    assert {len(app.store.estimates(name)) for name in ("elsewhere",)} == {2}
    assert len(app.store.estimates("q")) == 3
    state = app.store.alerts.state("likely", "q")
    assert state is not None
    assert state.evaluated_as_of == now


def test_a_state_that_is_no_longer_the_newest_is_refused(app: App) -> None:
    app.store.add_questions([question()], START)
    update(app, START)
    stale = RuleState("likely", "q")
    with pytest.raises(ConflictError, match="decided by another process"):
        app.store.record(states=[(None, stale)], recorded_at=START)


def test_a_run_that_was_taken_over_records_nothing(app: App) -> None:
    app.store.add_questions([question()], START)
    app.store.ledger.claim_run("daily", START, "first", START, timedelta(minutes=1))
    later = START + timedelta(hours=1)
    assert app.store.ledger.claim_run("daily", START, "second", later, timedelta(minutes=1))
    occasion = Occasion(later, run=RunClaim("daily", START, "first"))
    with pytest.raises(StoreError, match="taken over"):
        update_questions(app, app.store.questions(), START, occasion)
    assert app.store.estimates("q") == []


def test_a_question_that_is_not_open_yet_is_about_its_own_window(app: App) -> None:
    late = Question(
        "late", "late?", "u", "strike", parse_instant("2025-08-01"), parse_instant("2025-09-01")
    )
    app.store.add_questions([late, question("now", deadline="2025-08-31")], START)
    by_name = {e.question_id: e for e in update(app, START).estimates}
    assert by_name["late"].probability < by_name["now"].probability
    assert by_name["late"].curve[0].by == late.opens_at
    assert by_name["late"].curve[0].probability == 0.0

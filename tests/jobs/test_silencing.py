"""Acknowledging and silencing: who is told, what is covered, and what cannot be."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from forecast.alert import Notice, NoticeKind, RuleState, Selector, Silence, State
from forecast.errors import UsageError
from forecast.evidence import Outcome, Resolution
from forecast.store import Store
from jobs.app import App
from jobs.notify import form_due
from jobs.reminders import remind
from jobs.silencing import acknowledge, covered, end_silence, new_silence
from tests.jobs.notice_desk import HOUR, NOW, QUESTION, a, app_on, deliver, fires

LIKELY = Selector(rules=("likely",))


@pytest.fixture
def app(store: Store, tmp_path: Path) -> App:
    return app_on(store, tmp_path)


def waiting(app: App) -> list[Notice]:
    return app.store.alerts.waiting()


def test_an_acknowledgement_is_told_to_all_who_were_told_and_stops_reminders(app: App) -> None:
    fires(app)
    app.store.record(to_tell=[a(channel="pager")], recorded_at=NOW)
    form_due(app, NOW)
    deliver(app)
    done = acknowledge(app, "likely", "q", "ada", "on it", NOW + HOUR)
    assert (done.is_first, done.channels) == (True, ("desk", "pager"))
    made = form_due(app, NOW + HOUR)
    assert sorted((d.channel, d.kind) for d in made) == [
        ("desk", "acknowledged"),
        ("pager", "acknowledged"),
    ]
    said = made[0].facts["acknowledged"]
    assert (said["author"], said["note"]) == ("ada", "on it")
    assert made[0].facts["since"] == "2025-11-17T10:00:00Z"
    assert remind(app, NOW + 9 * HOUR) == 0


def test_it_is_not_told_where_the_firing_was_given_up_or_left_out(app: App) -> None:
    fires(app)
    left_out = a(channel="pager")
    app.store.record(to_tell=[left_out], recorded_at=NOW)
    app.store.alerts.form([], [(left_out.notice_id, "for a test")], NOW)
    form_due(app, NOW)
    deliver(app, dead=True)
    assert acknowledge(app, "likely", "q", "ada", "", NOW).channels == ()


def test_the_first_word_on_an_episode_counts_and_is_told_to_the_second(app: App) -> None:
    fires(app)
    acknowledge(app, "likely", "q", "ada", "on it", NOW)
    second = acknowledge(app, "likely", "q", "bob", "me too", NOW + HOUR)
    assert not second.is_first
    assert (second.acknowledgement.author, second.acknowledgement.at) == ("ada", NOW)
    assert [n.kind for n in waiting(app)] == [NoticeKind.FIRING, NoticeKind.ACKNOWLEDGED]


def test_a_recovering_episode_may_be_acknowledged_and_the_next_one_anew(app: App) -> None:
    state = fires(app)
    weak = replace(state, state=State.RECOVERING)
    app.store.record(states=[(state, weak)], recorded_at=NOW)
    assert acknowledge(app, "likely", "q", "ada", "", NOW).is_first
    again = replace(state, episode=2)
    app.store.record(states=[(weak, again)], to_tell=[a(episode=2)], recorded_at=NOW)
    assert acknowledge(app, "likely", "q", "ada", "", NOW).is_first


@pytest.mark.parametrize(
    ("rule", "subject", "said"),
    [
        ("likly", "q", "there is no rule 'likly'; did you mean 'likely'?"),
        ("likely", "qq", "rule 'likely' has never looked at 'qq'; did you mean 'q'?"),
        ("certain", "q", "rule 'certain' does not fire on 'q' now; its state is pending"),
    ],
)
def test_what_does_not_fire_cannot_be_acknowledged(
    app: App, rule: str, subject: str, said: str
) -> None:
    fires(app)
    pending = RuleState("certain", "q", State.PENDING)
    app.store.record(states=[(None, pending)], recorded_at=NOW)
    with pytest.raises(UsageError) as error:
        acknowledge(app, rule, subject, "ada", "", NOW)
    assert error.value.message == said


def test_a_silence_covers_rules_on_open_questions_units_and_channels(app: App) -> None:
    fires(app)
    over = replace(QUESTION, question_id="over", deadline=NOW - HOUR)
    known = replace(QUESTION, question_id="known")
    app.store.add_questions([over, known], NOW - HOUR)
    outcome = Resolution("known", Outcome.YES, NOW - HOUR, "it happened")
    app.store.add_resolutions([outcome], NOW - HOUR)

    def found(selector: Selector) -> list[tuple[str, str, bool]]:
        return [
            (c.target.rule, c.target.question, c.is_firing) for c in covered(app, selector, NOW)
        ]

    assert found(LIKELY) == [("likely", "q", True)]
    assert found(Selector(units=("harb*",))) == [
        ("likely", "q", True),
        ("certain", "q", False),
        ("model-unhealthy", "q", False),
        ("silent", "harbour", False),
    ]
    assert ("channel-unhealthy", "desk", False) in found(Selector())
    assert found(Selector(tags=("military.*",))) == []


def test_a_silence_has_an_id_of_its_own() -> None:
    first = new_silence(LIKELY, "ada", " a drill ", NOW, NOW + HOUR)
    assert first.reason == "a drill"
    assert first.silence_id.startswith("s-")
    others = [
        new_silence(LIKELY, "bob", "a drill", NOW, NOW + HOUR),
        new_silence(LIKELY, "ada", "a drill", NOW, NOW + 2 * HOUR),
        new_silence(Selector(), "ada", "a drill", NOW, NOW + HOUR),
    ]
    assert len({first.silence_id, *(one.silence_id for one in others)}) == 4


@pytest.mark.parametrize(
    ("reason", "length", "said"),
    [(" ", 1, "takes a reason"), ("drill", 0, "cannot end"), ("drill", -1, "cannot end")],
)
def test_a_silence_that_cannot_be_is_refused(reason: str, length: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        new_silence(LIKELY, "ada", reason, NOW, NOW + length * HOUR)


def test_ending_a_silence_is_a_row_that_says_who(app: App) -> None:
    silence = new_silence(LIKELY, "ada", "drill", NOW, NOW + HOUR)
    app.store.alerts.add_silence(silence, NOW)
    fires(app)
    assert form_due(app, NOW) == []
    minute = timedelta(minutes=1)
    end_silence(app, silence.silence_id, "bob", NOW + minute)
    assert app.store.alerts.silences(until=NOW + minute) == []
    (ended,) = app.store.alerts.silences()
    assert (ended.author, ended.reason) == ("ada", "drill (ended early by bob)")
    assert len(form_due(app, NOW + minute)) == 1


def test_a_silence_that_has_not_begun_is_called_off_and_one_that_is_over_stays_over(
    app: App,
) -> None:
    coming = Silence("s-1", LIKELY, "ada", "drill", NOW + HOUR, NOW + 2 * HOUR)
    app.store.alerts.add_silence(coming, NOW)
    ended = end_silence(app, "s-1", "bob", NOW)
    assert ended.starts_at == ended.ends_at
    with pytest.raises(UsageError, match="has been over since 2025-11-17T11:00:00Z"):
        end_silence(app, "s-1", "bob", NOW + 3 * HOUR)
    with pytest.raises(UsageError, match="there is no silence 's-2'; did you mean 's-1'"):
        end_silence(app, "s-2", "bob", NOW)


def test_a_silenced_channel_rule_is_silenced_by_its_subject(app: App) -> None:
    fires(app, "channel-unhealthy", "pager")
    silence = Silence("s-1", Selector(questions=("pager",)), "ada", "drill", NOW, NOW + HOUR)
    app.store.alerts.add_silence(silence, NOW)
    assert form_due(app, NOW) == []
    app.store.alerts.add_silence(replace(silence, selector=Selector(units=("pager",))), NOW)
    assert len(form_due(app, NOW)) == 1

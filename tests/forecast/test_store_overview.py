"""What a list of questions is made of: at a glance, by what is new, and as it stood."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from forecast.access import Scope, Token
from forecast.alert import RuleState, State, Transition
from forecast.estimate import Estimate
from forecast.evidence import Outcome, Resolution
from forecast.question import Question
from forecast.store import Store
from forecast.store.overview import Marks
from forecast.thinning import Kind
from tests.forecast import report_samples

NOW = datetime(2025, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def asked(name: str) -> Question:
    return replace(report_samples.QUESTION, question_id=name)


def said(name: str, at: datetime, p: float, digest: str = "") -> Estimate:
    made = report_samples.estimate(0, p, question_id=name, as_of=at)
    return replace(made, inputs_digest=f"{name}{at}{digest}")


def test_a_glance_has_the_newest_estimate_and_the_one_of_a_week_before_it(store: Store) -> None:
    store.add_questions([asked(name) for name in ("long", "short", "one", "none")], NOW)
    some = [said("long", NOW - n * DAY, 0.3 + n / 100) for n in range(20)]
    some += [said("short", NOW - n * DAY, 0.4 + n / 100) for n in range(3)]
    some += [said("one", NOW, 0.5), said("long", NOW, 0.9, "again")]
    store.record(estimates=some, recorded_at=NOW)
    found = {g.question.question_id: g for g in store.overview.news().glances}
    told = {name: (g.newest and g.newest.probability, g.week_ago) for name, g in found.items()}
    assert told == {
        "long": (0.9, 0.37),
        "short": (0.4, 0.4 + 2 / 100),  # younger than a week: since its first
        "one": (0.5, None),
        "none": (None, None),
    }


def test_only_what_was_said_since_is_read_again(store: Store) -> None:
    store.add_questions([asked("a"), asked("b"), asked("c")], NOW)
    fires = RuleState("likely", "c", State.FIRING, episode=1, since=NOW)
    store.record(states=[(None, fires)], recorded_at=NOW)
    first = store.overview.news()
    assert len(first.glances) == 3
    assert first.alarmed == {"c": (fires,)}
    assert store.overview.news(first.marks).glances == ()
    store.record(estimates=[said("b", NOW, 0.5)], recorded_at=NOW)
    end = Resolution("a", Outcome.NO, NOW, "it passed", author="ann")
    store.add_resolutions([end], NOW)
    store.record(states=[(fires, replace(fires, state=State.OK))], recorded_at=NOW)
    second = store.overview.news(first.marks)
    assert {g.question.question_id for g in second.glances} >= {"a", "b"}
    outcomes = {g.question.question_id: g.outcome for g in second.glances}
    assert (outcomes["a"], outcomes["b"]) == (Outcome.NO, None)
    assert second.alarmed == {"c": ()}
    assert second.marks != first.marks != Marks()


def test_points_are_those_that_stood_at_each_moment_once(store: Store) -> None:
    store.add_questions([asked("a"), asked("b")], NOW)
    store.record(estimates=[said("a", NOW - n * DAY, 0.1 * n) for n in (9, 5, 2)], recorded_at=NOW)
    moments = [NOW - n * DAY for n in (12, 6, 4, 3, 0)]
    found = store.overview.points(["a", "b"], moments)
    assert [round(10 * point.probability) for point in found["a"]] == [9, 5, 2]
    assert "b" not in found
    assert store.overview.points(["a"], []) == {}


def test_of_a_course_the_newest_is_whole_and_none_is_later(store: Store) -> None:
    past = [replace(e, question_id="a") for e in report_samples.history(30)]
    store.record(estimates=past, recorded_at=NOW)
    until = past[20].as_of
    found = store.overview.course("a", until)
    assert found[-1] == past[20]
    bare = [replace(e, curve=(), contributions=(), couplings=(), diagnostics={}) for e in past]
    bare = [replace(e, at_least=(), escalation=(), findings=()) for e in bare]
    assert found[:-1] == bare[:20]
    assert store.overview.course("nobody", until) == []


def test_a_long_course_follows_what_is_added_and_what_is_thinned(store: Store) -> None:
    start = NOW - 300 * DAY
    store.add_questions([asked("a")], start)
    store.record(estimates=[said("a", start + n * DAY, 0.1) for n in range(250)], recorded_at=NOW)
    assert len(store.overview.course("a", NOW)) == 250
    assert len(store.overview.course("a", start + 99 * DAY)) == 100
    again = said("a", start + 9 * DAY, 0.3, "again")
    store.record(estimates=[again, said("a", NOW, 0.2)], recorded_at=NOW)
    found = store.overview.course("a", NOW)
    assert [one.probability for one in (found[9], found[-1])] == [0.3, 0.2]
    twice = [said("a", start + timedelta(hours=h), 0.5, "x") for h in (1, 2, 3)]
    store.record(estimates=twice, recorded_at=NOW)
    assert len(store.overview.course("a", NOW)) == 254
    gone = store.retention.thin(Kind.ESTIMATES, start + 5 * DAY)
    assert 0 < gone == 254 - len(store.overview.course("a", NOW))


def test_a_session_is_found_while_it_and_its_token_last(store: Store) -> None:
    token = Token("tok", "ann", Scope.READ, "digest", "ann", NOW, NOW + 2 * DAY)
    store.access.add_token(token)
    sessions = store.access.sessions
    sessions.begin("s1", "tok", NOW, NOW + DAY)
    assert sessions.token_of("s1", NOW + DAY - timedelta(seconds=1)) == token
    assert sessions.token_of("s1", NOW + DAY) is None
    assert sessions.token_of("s2", NOW) is None
    sessions.begin("s2", "tok", NOW + DAY, NOW + 3 * DAY)
    assert sessions.token_of("s2", NOW + 2 * DAY) is None  # its token has expired
    assert sessions.token_of("s1", NOW) is None  # what was over is forgotten
    store.access.revoke_token("ann", NOW + DAY)
    assert sessions.token_of("s2", NOW + DAY) is None


def test_of_each_alarm_the_last_change_of_mind_is_found_and_of_no_other(store: Store) -> None:
    fires = [RuleState(rule, "c", State.FIRING, episode=1, since=NOW) for rule in ("a", "b")]
    quiet = RuleState("a", "d")
    told = [
        Transition(
            *(one.rule_id, one.subject, NOW - n * DAY, State.OK, State.FIRING),
            *(f"{n} days", "", 1, 0.5),
        )
        for one in (*fires, quiet)
        for n in (2, 1, 3)
    ]
    store.record(states=[(None, s) for s in (*fires, quiet)], transitions=told, recorded_at=NOW)
    found = store.alerts.last_transitions([fires[0], RuleState("b", "d")])
    assert {pair: one.reason for pair, one in found.items()} == {("a", "c"): "1 days"}
    assert store.alerts.last_transitions([]) == {}

"""Rules that the clock, silent sources, channels and edits decide, on a real store."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerts.testing import sample_facts
from forecast.alert import ChannelHealth, ChannelState, Delivery, NoticeKind, State
from forecast.clock import DAY, parse_instant
from forecast.evidence import Event, Report
from forecast.question import Question
from forecast.store import Store
from forecast.watch import Watch, parse_config
from jobs.app import App
from jobs.decisions import Occasion, Updated
from jobs.sweep import Swept, sweep
from jobs.update import update_questions

WATCH = """
[watch]
title = "test desk"

[units.u]
title = "The Union"

[indicators.march]
effect = "1.5x..4x"
half_life = "30 days"

[definitions.strike]
base_rate = "10%..30% per quarter"
indicators = ["march"]

{rules}

[[channels]]
id = "desk"
kind = "log"

[[channels]]
id = "owner"
kind = "log"

[[subscriptions]]
channel = "desk"

[[subscriptions]]
channel = "owner"
"""
START = parse_instant("2025-06-01")
LIKELY = '[[rules]]\nid = "likely"\nfire_at = "1%"\ndwell = 1\n'
NEAR = '[[rules]]\nid = "near"\nkind = "deadline"\nwithin = "7 days"\n'
STALE = '[[rules]]\nid = "silent"\nkind = "stale"\nafter = "3 days"\n'
OVERDUE = '[[rules]]\nid = "overdue"\nkind = "unhealthy"\nafter = "2 days"\n'
ENDED = '[[rules]]\nid = "ended"\nkind = "resolved"\n'


def question(name: str = "q", deadline: str = "2025-08-31") -> Question:
    end = parse_instant(deadline, end_of_day=True)
    return Question(name, f"{name}?", "u", "strike", parse_instant("2025-05-01"), end)


def report(name: str, known: datetime) -> Report:
    return Report(name, "u", "march", known - timedelta(hours=6), known)


def desk(store: Store, folder: Path, *rules: str) -> App:
    return App(Watch(folder, parse_config(WATCH.format(rules="\n".join(rules)))), store)


def update(app: App, as_of: datetime) -> Updated:
    return update_questions(app, app.store.questions(), as_of, Occasion(as_of))


def told(swept: Swept | Updated) -> list[tuple[str, str, str]]:
    return [(n.rule_id, n.subject, n.kind.value) for n in swept.notices if n.channel == "desk"]


def state(app: App, rule: str, subject: str) -> State:
    found = app.store.alerts.state(rule, subject)
    return found.state if found else State.OK


def test_a_deadline_that_comes_near_is_told_once_and_its_end_is_told_as_resolved(
    store: Store, tmp_path: Path
) -> None:
    app = desk(store, tmp_path, NEAR)
    store.add_questions([question(deadline="2025-06-20")], START)
    update(app, START)
    assert sweep(app, parse_instant("2025-06-13")) == Swept()
    swept = sweep(app, parse_instant("2025-06-14"))
    assert told(swept) == [("near", "q", "firing")]
    assert "7 days away, and P is" in swept.transitions[0].detail
    assert sweep(app, parse_instant("2025-06-15")) == Swept()
    assert told(update(app, parse_instant("2025-06-21"))) == [("near", "q", "resolved")]


def test_a_calm_desk_writes_nothing_however_often_it_is_swept(store: Store, tmp_path: Path) -> None:
    app = desk(store, tmp_path, NEAR, STALE, OVERDUE)
    store.add_questions([question()], START)
    store.add_reports([report("r", START - DAY)], START)
    update(app, START)
    before = store.alerts.states()
    for hour in range(5):
        assert sweep(app, START + timedelta(hours=hour)) == Swept()
    assert store.alerts.states() == before


def test_one_silent_source_is_one_alert_however_many_questions_rest_on_it(
    store: Store, tmp_path: Path
) -> None:
    app = desk(store, tmp_path, LIKELY, STALE)
    store.add_questions([question(f"q{n}") for n in range(20)], START)
    store.add_reports([report("r", START - DAY)], START)
    update(app, START)
    swept = sweep(app, START + 3 * DAY)
    assert told(swept) == [("silent", "u", "firing")]
    assert "came 4 days ago" in swept.transitions[0].detail
    assert sweep(app, START + 4 * DAY) == Swept()
    store.add_reports([report("back", START + 5 * DAY)], START + 5 * DAY)
    assert told(sweep(app, START + 5 * DAY + timedelta(hours=1))) == [("silent", "u", "resolved")]
    notices = [one.notice for one in store.alerts.notices_of([("silent", "u", 1)])]
    assert {n.facts["since"] for n in notices if n.kind == "resolved"} == {
        n.facts["at"] for n in notices if n.kind == "firing"
    }


def test_a_question_that_is_called_like_a_unit_ends_no_alert_on_that(
    store: Store, tmp_path: Path
) -> None:
    text = WATCH.replace("base_rate", 'grace = "30 days"\nbase_rate').format(rules=STALE)
    app = App(Watch(tmp_path, parse_config(text)), store)
    store.add_questions([question(), question("u", "2025-06-01")], START)
    store.add_reports([report("r", START - DAY)], START)
    late = START + 5 * DAY
    found = [told(sweep(app, late + n * timedelta(minutes=1))) for n in range(5)]
    assert found == [[("silent", "u", "firing")], [], [], [], []]


def test_a_sweep_by_a_clock_that_was_ahead_makes_no_rule_deaf(store: Store, tmp_path: Path) -> None:
    app = desk(store, tmp_path, STALE)
    store.add_questions([question(deadline="2030-08-31")], START)
    store.add_reports([report("r", START - DAY)], START)
    assert told(sweep(app, START)) == []
    assert told(sweep(app, START + 365 * DAY)) == [("silent", "u", "firing")]
    assert told(sweep(app, START)) == [("silent", "u", "resolved")]
    assert told(sweep(app, START + 5 * DAY)) == [("silent", "u", "firing")]


def test_while_its_source_is_silent_a_rule_is_held(store: Store, tmp_path: Path) -> None:
    app = desk(store, tmp_path, LIKELY.replace("1%", "3%"), STALE)
    store.add_questions([question()], START)
    store.add_reports([report("r", START - DAY)], START)
    update(app, START)
    assert state(app, "likely", "q") is State.FIRING
    sweep(app, START + 5 * DAY)
    late = update(app, parse_instant("2025-08-31"))
    [held] = [s for s in store.alerts.states(["q"]) if s.rule_id == "likely"]
    assert late.estimates[0].probability < 0.02, "it would have cleared"
    assert (held.state, held.health.value, told(late)) == (State.FIRING, "stale", [])


def test_an_estimate_that_is_overdue_rings_and_its_return_clears(
    store: Store, tmp_path: Path
) -> None:
    app = desk(store, tmp_path, OVERDUE)
    store.add_questions([question()], START)
    update(app, START)
    minute = timedelta(minutes=1)
    late = START + 2 * DAY + minute
    assert told(sweep(app, late)) == [], "it dwells"
    assert told(sweep(app, late + minute)) == [("overdue", "q", "firing")]
    update(app, late + 2 * minute)
    found = [told(sweep(app, late + n * minute)) for n in (3, 4)]
    assert [("overdue", "q", "resolved")] in found or state(app, "overdue", "q") is State.OK


@pytest.mark.parametrize("health", [ChannelHealth.DISABLED, ChannelHealth.FAILING])
def test_a_channel_that_fails_is_told_to_its_owner_on_another(
    store: Store, tmp_path: Path, health: ChannelHealth
) -> None:
    app = desk(store, tmp_path)
    store.alerts.add_channel_state(ChannelState("desk", health, START, "410"), START)
    swept = sweep(app, START + timedelta(hours=1))
    assert [(n.channel, n.subject, n.kind) for n in swept.notices] == [
        ("owner", "desk", NoticeKind.FIRING)
    ]
    assert "410" in swept.transitions[0].detail
    works = ChannelState("desk", ChannelHealth.WORKS, START + DAY)
    store.alerts.add_channel_state(works, START + DAY)
    assert [n.kind for n in sweep(app, START + DAY).notices] == [NoticeKind.RESOLVED]


def test_a_message_that_was_given_up_is_told_on_another_channel_though_later_ones_arrive(
    store: Store, tmp_path: Path
) -> None:
    app = desk(store, tmp_path)
    facts = sample_facts()["firing"]
    store.record(
        deliveries=[Delivery(f"msg_{n}", "desk", "firing", START, START, facts) for n in range(3)],
        recorded_at=START,
    )
    lost, second, third = store.claim_deliveries(START, "me", DAY / 24, 3)
    assert store.mark_dead(lost, START, "552 too large")
    assert store.mark_delivered(second, START + timedelta(minutes=1))
    swept = sweep(app, START + DAY / 24)
    assert [(n.channel, n.subject) for n in swept.notices] == [("owner", "desk")]
    assert store.mark_delivered(third, START + 2 * DAY)
    (end,) = sweep(app, START + 2 * DAY).transitions
    assert (end.subject, end.notify) == ("desk", "resolved")


def test_a_channel_that_fails_for_a_moment_rings_nobody(store: Store, tmp_path: Path) -> None:
    app = desk(store, tmp_path)
    failing = ChannelState("desk", ChannelHealth.FAILING, START, "503")
    store.alerts.add_channel_state(failing, START)
    assert sweep(app, START + timedelta(minutes=14)).notices == []
    assert len(sweep(app, START + timedelta(minutes=15)).notices) == 1


def test_a_rule_that_is_removed_while_it_fires_is_resolved_with_the_reason(
    store: Store, tmp_path: Path
) -> None:
    app = desk(store, tmp_path, LIKELY)
    store.add_questions([question()], START)
    assert told(update(app, START)) == [("likely", "q", "firing")]
    edited = desk(store, tmp_path, LIKELY.replace("likely", "other"))
    swept = sweep(edited, START + DAY)
    assert told(swept) == [("likely", "q", "resolved")]
    assert swept.transitions[0].reason == "rule_removed"
    assert sweep(edited, START + DAY) == Swept()


def test_a_rule_that_only_dwelt_is_removed_in_silence(store: Store, tmp_path: Path) -> None:
    app = desk(store, tmp_path, LIKELY.replace("dwell = 1", "dwell = 3"))
    store.add_questions([question()], START)
    update(app, START)
    assert state(app, "likely", "q") is State.PENDING
    swept = sweep(desk(store, tmp_path), START + DAY)
    assert (swept.notices, state(app, "likely", "q")) == ([], State.OK)


def test_a_question_that_ends_is_told_once_by_a_rule_for_it(store: Store, tmp_path: Path) -> None:
    app = desk(store, tmp_path, ENDED)
    store.add_questions([question()], START)
    assert told(update(app, START)) == []
    store.add_events([Event("e", "u", "strike", START, START + DAY)], START + DAY)
    ended = update(app, START + 2 * DAY)
    assert told(ended) == [("ended", "q", "outcome")]
    assert "resolved: yes" in ended.transitions[0].detail
    assert update(app, START + 3 * DAY) == Updated()
    assert sweep(app, START + 3 * DAY) == Swept()


def test_a_channel_that_is_taken_out_of_the_watch_is_nobodys_trouble_any_more(
    store: Store, tmp_path: Path
) -> None:
    app = desk(store, tmp_path)
    store.alerts.add_channel_state(ChannelState("desk", ChannelHealth.DISABLED, START), START)
    sweep(app, START + timedelta(hours=1))
    assert state(app, "channel-unhealthy", "desk") is State.FIRING
    gone = WATCH.replace('[[channels]]\nid = "desk"\nkind = "log"\n', "", 1)
    gone = gone.replace('[[subscriptions]]\nchannel = "desk"\n', "", 1).format(rules="")
    without = App(Watch(tmp_path, parse_config(gone)), store)
    swept = sweep(without, START + DAY)
    assert [(n.channel, n.kind) for n in swept.notices] == [("owner", NoticeKind.RESOLVED)]


def test_a_silent_unit_without_open_questions_is_nobodys_trouble_any_more(
    store: Store, tmp_path: Path
) -> None:
    app = desk(store, tmp_path, STALE)
    store.add_questions([question(deadline="2025-06-20")], START)
    store.add_reports([report("r", START - DAY)], START)
    sweep(app, START + 5 * DAY)
    assert state(app, "silent", "u") is State.FIRING
    assert told(sweep(app, START + 30 * DAY)) == [("silent", "u", "resolved")]


def test_while_an_outcome_is_waited_for_an_episode_is_over(store: Store, tmp_path: Path) -> None:
    text = WATCH.format(rules=LIKELY)
    text = text.replace("[definitions.strike]", '[definitions.strike]\ngrace = "10 days"')
    app = App(Watch(tmp_path, parse_config(text)), store)
    store.add_questions([question(deadline="2025-06-20")], START)
    update(app, START)
    swept = sweep(app, parse_instant("2025-06-22"))
    assert told(swept) == [("likely", "q", "resolved")]
    assert swept.transitions[0].reason == "question_expired"


def test_a_question_without_an_estimate_is_told_when_it_ends(store: Store, tmp_path: Path) -> None:
    app = desk(store, tmp_path, ENDED)
    store.add_questions([question()], START)
    assert told(sweep(app, START)) == []
    assert state(app, "ended", "q") is State.PENDING
    assert sweep(app, START + DAY) == Swept()
    store.add_events([Event("e", "u", "strike", START, START + DAY)], START + DAY)
    assert told(update(app, START + 2 * DAY)) == [("ended", "q", "outcome")]


def test_the_first_report_after_a_silence_is_acted_on_at_once(store: Store, tmp_path: Path) -> None:
    app = desk(store, tmp_path, LIKELY.replace("1%", "32%"), STALE)
    store.add_questions([question()], START)
    store.add_reports([report("r", START - DAY)], START)
    assert told(update(app, START)) == []
    assert told(sweep(app, START + 4 * DAY)) == [("silent", "u", "firing")]
    news = [report(f"n{n}", START + 5 * DAY + timedelta(hours=n)) for n in range(6)]
    store.add_reports(news, START + 6 * DAY)
    late = update(app, START + 6 * DAY)
    assert late.estimates[0].probability > 0.32
    assert told(late) == [("likely", "q", "firing")]

"""Updates on news: what is stirred is updated and rings at once, whoever dies of it."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from operator import add
from pathlib import Path

import pytest

from forecast.clock import utc_now
from forecast.errors import HeldError, StoreError
from forecast.evidence import Report
from forecast.question import Question
from forecast.store import Store, open_store
from forecast.watch import load_watch, parse_config
from jobs.app import App
from jobs.decisions import Failure, Work
from jobs.stirring import BATCH, LEASE, listeners, stir_changed, update_due
from jobs.update import Inferred
from tests.jobs.desk import add_facts, make_desk

NOW = utc_now()
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
COUPLED = """
[watch]
title = "Ports"
[units.ruhr]
title = "The Ruhr"
[indicators.ballot]
effect = "2x..3x"
half_life = "9 days"
[definitions.strike]
base_rate = "one in 1..9 years"
indicators = ["ballot"]
[definitions.strike.coupled.ruhr]
indicators = ["ballot"]
effect = "2x..3x"
half_life = "9 days"
probability = "40%"
[definitions.long-strike]
within = "strike"
share = "20%..60%"
[definitions.storm]
base_rate = "one in 1..9 years"
"""


@pytest.fixture
def app(tmp_path: Path, store: Store) -> App:
    """The desk with its facts just taken in, on both databases."""
    desk = make_desk(tmp_path, news=True)
    add_facts(store, NOW)
    return App(load_watch(desk.folder), store)


def settled(app: App, now: datetime) -> None:
    update_due(app, lambda: now, "before")
    assert app.store.due_units.counts(now + DAY).due == 0


def tell(app: App, unit: str, at: datetime, name: str = "news") -> None:
    app.store.add_reports([Report(f"{name}-{unit}", unit, "union.ballot", at, at)], at)


def add_question(app: App, unit: str, definition: str = "strike") -> None:
    ends = NOW + 60 * DAY
    question = Question(f"q-{unit}", "?", unit, definition, NOW - 40 * DAY, ends)
    app.store.add_questions([question], NOW)


def looking_at(seen: list[str]) -> Callable[..., list[Inferred]]:
    """Computes nothing, and sees what was to be computed."""

    def compute(_: object, works: Iterable[Work]) -> list[Inferred]:
        seen.extend(work.key for work in works)
        return []

    return compute


def test_news_updates_the_questions_of_its_unit_and_no_others(app: App) -> None:
    add_question(app, "quay")
    settled(app, NOW + SECOND)
    later = NOW + MINUTE
    tell(app, "quay", later)
    stirred = update_due(app, lambda: later + SECOND, "me")
    assert stirred.units == 1
    assert [e.question_id for e in stirred.updated.estimates] == ["q-quay"]
    assert stirred.updated.estimates[0].as_of > later, "it sees the report"
    assert update_due(app, lambda: later + MINUTE, "me").units == 0


def test_it_rings_at_once(app: App) -> None:
    stirred = update_due(app, lambda: NOW + SECOND, "me")
    assert len(stirred.updated.notices) == 2
    assert len(app.store.deliveries()) == 2


def test_a_burst_is_one_update(app: App) -> None:
    settled(app, NOW + SECOND)
    for n in range(5):
        at = NOW + MINUTE + n * SECOND / 10
        tell(app, "harbour", at, f"news{n}")
        assert update_due(app, partial(add, at, SECOND / 5), "me").units == 0
    assert update_due(app, lambda: NOW + MINUTE + SECOND, "me").units == 1


def test_a_watch_may_leave_it_to_its_schedules(app: App, tmp_path: Path) -> None:
    file = tmp_path / "watch.toml"
    file.write_text(file.read_text().replace("on_news = true", "on_news = false"))
    deaf = App(load_watch(tmp_path), app.store)
    assert update_due(deaf, lambda: NOW + SECOND, "me").units == 0


def test_what_listens_to_a_unit_is_told_of_with_what_lies_within_it() -> None:
    config = parse_config(COUPLED)
    assert listeners(config, ["ruhr", "quay"]) == ["strike", "long-strike"]
    assert listeners(config, ["quay"]) == []


def test_questions_that_listen_to_a_unit_are_updated_on_its_news(app: App, tmp_path: Path) -> None:
    (tmp_path / "watch.toml").write_text(COUPLED)
    coupled = App(load_watch(tmp_path), app.store)
    add_question(app, "quay", "long-strike")
    add_question(app, "mole", "storm")
    update_due(app, lambda: NOW + SECOND, "before")
    tell(app, "ruhr", NOW + 2 * SECOND)
    seen: list[str] = []
    update_due(coupled, lambda: NOW + 9 * SECOND, "me", looking_at(seen))
    assert sorted(seen) == ["harbour/strike/hazard", "quay/strike/hazard"]


def test_a_unit_that_fails_is_tried_again_later_and_later_and_holds_up_no_other(app: App) -> None:
    add_question(app, "quay")

    def compute(infer: Callable[[Work], Inferred], works: Iterable[Work]) -> Iterable[Inferred]:
        for work in works:
            fails = work.task.snapshot.unit == "quay"
            yield Failure(HeldError("it diverges")) if fails else infer(work)

    first = update_due(app, lambda: NOW + SECOND, "me", compute)
    assert (first.units, len(first.updated.failures)) == (2, 1)
    [failing] = app.store.due_units.failing()
    assert (failing.unit, failing.error) == ("quay", "it diverges")
    assert update_due(app, lambda: NOW + MINUTE, "me", compute).units == 0
    assert update_due(app, lambda: NOW + 62 * SECOND, "me", compute).units == 1
    assert update_due(app, lambda: NOW + 3 * MINUTE, "me", compute).units == 0
    well = update_due(app, lambda: NOW + 4 * MINUTE, "me")
    assert [e.question_id for e in well.updated.estimates] == ["q-quay"]
    assert app.store.due_units.failing() == []


def test_what_breaks_down_by_itself_is_left_alone_for_a_while_too(app: App) -> None:
    def break_down(*_: object) -> list[Inferred]:
        raise ZeroDivisionError("of all things")

    with pytest.raises(ZeroDivisionError):
        update_due(app, lambda: NOW + SECOND, "me", break_down)
    assert update_due(app, lambda: NOW + 59 * SECOND, "me", break_down).units == 0
    assert update_due(app, lambda: NOW + 2 * MINUTE, "me").units == 1


def test_where_the_store_fails_the_unit_is_left_to_its_lease(app: App) -> None:
    def lose_the_store(*_: object) -> list[Inferred]:
        raise StoreError("is locked")

    with pytest.raises(StoreError):
        update_due(app, lambda: NOW + SECOND, "dead", lose_the_store)
    assert update_due(app, lambda: NOW + LEASE, "me").units == 0
    assert update_due(app, lambda: NOW + SECOND + LEASE, "me").units == 1


def test_who_was_frozen_past_its_lease_writes_nothing(app: App, store_url: str) -> None:
    def freeze(infer: Callable[[Work], Inferred], works: Iterable[Work]) -> Iterable[Inferred]:
        answers = [infer(work) for work in works]
        with open_store(store_url) as another:
            quick = update_due(App(app.watch, another), lambda: NOW + 2 * LEASE, "quick")
        assert quick.units == 1
        return answers

    with pytest.raises(StoreError, match="taken over"):
        update_due(app, lambda: NOW + SECOND, "frozen", freeze)
    moments = {e.as_of for e in app.store.estimates("q-strike")}
    assert moments == {NOW + 2 * LEASE}
    assert app.store.due_units.counts(NOW + DAY).due == 0


def test_news_that_comes_while_a_unit_is_updated_is_not_lost(app: App) -> None:
    clock = iter([NOW + SECOND] * 2)

    def hear(infer: Callable[[Work], Inferred], works: Iterable[Work]) -> Iterable[Inferred]:
        answers = [infer(work) for work in works]
        tell(app, "harbour", NOW + 2 * SECOND)
        return answers

    assert update_due(app, lambda: next(clock, NOW + 2 * SECOND), "me", hear).units == 1
    assert update_due(app, lambda: NOW + 3 * SECOND, "me").units == 1


def test_a_stop_begins_nothing_more(app: App) -> None:
    for n in range(BATCH + 5):
        tell(app, f"u{n:02}", NOW)
    stops = iter([False, True])
    stirred = update_due(app, lambda: NOW + SECOND, "me", is_stopping=lambda: next(stops))
    assert stirred.units == BATCH
    counts = app.store.due_units.counts(NOW + SECOND)
    assert (counts.due, counts.held) == (6, 0)
    assert update_due(app, lambda: NOW + SECOND, "me").units == 6


def test_one_call_ends_however_much_news_there_is(app: App) -> None:
    """Who asks again and again hears of an edit, and what was done is not kept for ever."""
    for n in range(BATCH + 5):
        tell(app, f"u{n:02}", NOW)
    assert update_due(app, lambda: NOW + SECOND, "me", most=BATCH).units == BATCH
    assert update_due(app, lambda: NOW + SECOND, "me").units == 6


def edited(app: App, old: str, new: str) -> App:
    file = app.watch.folder / "watch.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return App(load_watch(app.watch.folder), app.store)


def test_what_is_believed_otherwise_is_estimated_anew(app: App) -> None:
    settled(app, NOW)
    [before] = app.store.estimates("q-strike")
    later = NOW + 2 * MINUTE
    other = edited(app, "30%..60% per quarter", "60%..80% per quarter")
    assert stir_changed(other, app.config, NOW + MINUTE) == 1
    assert update_due(other, lambda: later, "me").units == 1
    after = app.store.estimates("q-strike")[-1]
    assert after.as_of == later
    assert after.probability > before.probability
    assert after.moved is not None
    assert after.moved.prior > 0


def test_an_edit_of_nothing_that_is_believed_stirs_nobody(app: App) -> None:
    settled(app, NOW)
    other = edited(app, 'title = "Harbour desk"', 'title = "Port desk"')
    assert stir_changed(other, app.config, NOW + MINUTE) == 0
    assert update_due(other, lambda: NOW + MINUTE, "me").units == 0


def test_a_changed_belief_stirs_no_question_that_is_over(app: App) -> None:
    settled(app, NOW)
    other = edited(app, "30%..60% per quarter", "60%..80% per quarter")
    assert stir_changed(other, app.config, NOW + 999 * DAY) == 0

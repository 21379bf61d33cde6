"""A slot in parts: who does which, what a failure costs, and what is done again."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from forecast.clock import utc_now
from forecast.errors import FencedError, StoreError
from forecast.question import Question
from jobs.app import App, open_app
from jobs.decisions import Work
from jobs.slots import LEASE, Turn, run_slot
from jobs.update import Inferred
from jobs.workers.shards import PART_QUESTIONS
from tests.jobs.desk import make_desk

UNITS, A_UNIT = 4, PART_QUESTIONS // 2


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """A desk with so many questions at few units that a run is two parts and a bit."""
    desk = make_desk(tmp_path)
    ago, until = utc_now() - timedelta(days=40), utc_now() + timedelta(days=60)
    names = [(f"u{unit}", n) for unit in range(UNITS) for n in range(A_UNIT)]
    many = [Question(f"{u}-{n}", "Q?", u, "strike", ago, until) for u, n in names]
    with open_app(desk.folder) as opened:
        opened.store.add_questions(many, ago)
        yield opened


def turn(
    app: App, now: datetime, owner: str = "me", is_stopping: Callable[[], bool] = bool
) -> Turn:
    return Turn(app.config.schedules[0], now, owner, lambda: now, is_stopping=is_stopping)


class Spy:
    """Computes as it comes, and notes whose; `breaks` is a unit on which it fails."""

    def __init__(self, breaks: str = "", with_: BaseException | None = None) -> None:
        self.units: list[str] = []
        self._breaks, self._error = breaks, with_ or ZeroDivisionError("of all things")

    def __call__(
        self, infer: Callable[[Work], Inferred], works: Iterable[Work]
    ) -> Iterator[Inferred]:
        for work in works:
            self.units.append(work.task.snapshot.unit)
            if self.units[-1] == self._breaks:
                raise self._error
            yield infer(work)


def test_one_process_does_all_parts_and_the_run_says_the_sums(app: App) -> None:
    now = utc_now()
    spy = Spy()
    done = run_slot(app, turn(app, now), spy)
    asked = UNITS * A_UNIT + 2  # and the two of the desk
    assert done is not None
    assert len(done.estimates) == asked
    assert sorted(spy.units) == ["harbour", "u0", "u1", "u2", "u3"]
    (run,) = app.store.runs()
    words = f"{asked} estimates, {len(done.notices)} notices in 3 parts"
    assert (run.status, run.detail, run.attempts) == ("done", words, 1)
    assert run_slot(app, turn(app, now)) is None


def test_a_part_that_fails_is_named_and_costs_the_others_nothing(app: App) -> None:
    now = utc_now()
    with pytest.raises(ZeroDivisionError):
        run_slot(app, turn(app, now), Spy(breaks="u1"))
    (run,) = app.store.runs()
    (failed,) = [p for p in app.store.ledger.parts("daily", now) if p.status == "failed"]
    assert run.status == "failed"
    assert run.detail.endswith(f"; part {failed.part}: ZeroDivisionError: of all things")
    others = {p.status for p in app.store.ledger.parts("daily", now) if p != failed}
    assert others == {"done"}
    assert run_slot(app, turn(app, now)) is None


def test_after_a_kill_only_the_unfinished_parts_are_done_again(app: App) -> None:
    now = utc_now()
    with pytest.raises(KeyboardInterrupt):  # as abrupt as a kill: nothing is written after it
        run_slot(app, turn(app, now, "dead"), Spy("u0", KeyboardInterrupt()))
    before = {p.part: p.status for p in app.store.ledger.parts("daily", now)}
    assert sorted(before.values()) == ["done", "running", "waiting"]
    spy = Spy()
    later = Turn(app.config.schedules[0], now, "next", lambda: now + LEASE)
    assert run_slot(app, later, spy) is not None
    finished = {
        app.store.question(name).unit
        for part in app.store.ledger.parts("daily", now)
        if before[part.part] == "done"
        for name in part.questions
    }
    assert not finished & set(spy.units)
    for question in app.store.questions():
        assert len(app.store.estimates(question.question_id, now, now)) == 1
        assert len(app.store.alerts.transitions(question.question_id)) <= 1
    assert [(run.status, run.attempts) for run in app.store.runs()] == [("done", 2)]


def test_a_service_that_is_asked_to_stop_ends_its_part_and_leaves_the_others(app: App) -> None:
    now = utc_now()
    assert run_slot(app, turn(app, now, is_stopping=lambda: True)) is not None
    statuses = [part.status for part in app.store.ledger.parts("daily", now)]
    assert statuses == ["done", "waiting", "waiting"]
    assert [run.schedule_id for run in app.store.abandoned_runs(now)] == ["daily"]


def test_a_service_without_work_begins_a_run_and_holds_no_part_of_it(app: App) -> None:
    now = utc_now()
    assert run_slot(app, turn(app, now), works=False) is None
    assert {p.status for p in app.store.ledger.parts("daily", now)} == {"waiting"}
    assert [run.status for run in app.store.runs()] == ["running"]


def test_a_lease_is_renewed_between_tracks_and_a_live_run_is_not_taken_over(app: App) -> None:
    moments = [utc_now()]
    slot = moments[0]

    def slow(infer: Callable[[Work], Inferred], works: Iterable[Work]) -> Iterator[Inferred]:
        for work in works:
            moments.append(moments[-1] + LEASE * 0.9)
            assert run_slot(app, Turn(schedule, slot, "other", lambda: moments[-1])) is None
            yield infer(work)

    schedule = app.config.schedules[0]
    mine = Turn(schedule, slot, "me", lambda: moments[-1])
    run_slot(app, mine, works=False)
    for number in (2, 3):  # so that nothing but what is held could be taken
        held = app.store.ledger.claim_part(schedule.id, slot, "x", slot, 99 * LEASE, number)
        assert held is not None
    assert run_slot(app, mine, slow) is not None
    assert {p.fence for p in app.store.ledger.parts(schedule.id, slot)} == {1}


def test_whoever_was_frozen_past_its_lease_writes_nothing(app: App) -> None:
    now = utc_now()

    def freeze(infer: Callable[[Work], Inferred], works: Iterable[Work]) -> Iterator[Inferred]:
        for work in works:
            later = Turn(app.config.schedules[0], now, "next", lambda: now + LEASE)
            run_slot(app, later)
            yield infer(work)

    with pytest.raises(FencedError, match="was taken over by another process; nothing is written"):
        run_slot(app, turn(app, now), freeze)
    (run,) = app.store.runs()
    assert (run.status, run.owner, run.attempts) == ("done", "next", 2)
    for question in app.store.questions():
        assert len(app.store.estimates(question.question_id)) == 1


def test_whoever_finds_its_connection_cut_is_told_if_its_part_was_taken_over(app: App) -> None:
    now = utc_now()

    def cut(_: Callable[[Work], Inferred], works: Iterable[Work]) -> Iterator[Inferred]:
        run_slot(app, Turn(app.config.schedules[0], now, "next", lambda: now + LEASE))
        raise StoreError("server closed the connection unexpectedly")

    with pytest.raises(FencedError, match="taken over"):
        run_slot(app, turn(app, now), cut)


def test_a_run_tells_of_its_estimates_without_holding_all_that_they_rest_on(app: App) -> None:
    done = run_slot(app, turn(app, utc_now()))
    assert done is not None
    [kept] = app.store.estimates(done.estimates[0].question_id)
    told = done.estimates[0]
    assert (told.probability, told.health) == (kept.probability, kept.health)
    assert kept.curve
    assert kept.diagnostics
    assert not told.curve
    assert not told.diagnostics

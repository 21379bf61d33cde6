"""The store: what we know, what we said, and what is still to be done."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import Connection

from forecast.alert import ChannelHealth, Delivery, Notice, Transition
from forecast.audit import Audit
from forecast.belief import Learnt
from forecast.estimate import Estimate
from forecast.evidence import Assignment, Coverage, CrowdForecast, Event, Report, Resolution
from forecast.incidents import DEFAULT_RULE, IncidentRule, Placed
from forecast.prior import PriorVersion
from forecast.question import Question, Snapshot
from forecast.store import (
    answers,
    audits,
    checks,
    due_units,
    ends,
    facts,
    learnt,
    notices,
    outbox,
    priors,
    quarantine,
    reading,
    rule_states,
    runs,
)
from forecast.store.access import Access
from forecast.store.alerts import Alerts
from forecast.store.backtests import Backtests
from forecast.store.briefs import Briefs
from forecast.store.counts import Tallies
from forecast.store.database import Database, parse_url
from forecast.store.ends import Ends
from forecast.store.facts import Added
from forecast.store.learnt import LearntOf
from forecast.store.ledger import Ledger
from forecast.store.migrate import bring_to_head
from forecast.store.moments import Moments
from forecast.store.overview import Overview
from forecast.store.pages import Pages
from forecast.store.quarantine import BadRow
from forecast.store.retention import Retention
from forecast.store.runs import Run, RunClaim
from forecast.store.schedules import Schedules
from forecast.store.seals import Seals
from forecast.store.sources import Sources
from forecast.store.tagging import Tagging


def open_store(
    url: str,
    *,
    create: bool = True,
    busy_timeout: float = 5.0,
    rule: IncidentRule = DEFAULT_RULE,
) -> "Store":
    """Open the store at a SQLAlchemy URL, making or upgrading its schema if `create`.

    `busy_timeout` is how many seconds a SQLite writer waits for another one; `rule` is how
    reports that state no incident are gathered as they are read. StoreError where it cannot be
    opened: unreachable, not a database, of a newer schema than ours.
    """
    database = Database(parse_url(url), busy_timeout=busy_timeout)
    try:
        bring_to_head(database, create=create)
    except BaseException:
        database.close()
        raise
    return Store(database, rule)


class Store:
    """All of Tocsin's SQL behind one class, on SQLite or PostgreSQL.

    Every method is one transaction. Times are aware; what is read back is in UTC. A driver's
    error is a StoreError of one line. One store may be used by several threads.
    """

    def __init__(self, database: Database, rule: IncidentRule = DEFAULT_RULE) -> None:
        self._database = database
        self._rule = rule
        self._read = database.read
        self._write = database.write
        self.access = Access(database)
        self.alerts = Alerts(database)
        self.backtests = Backtests(database)
        self.briefs = Briefs(database)
        self.counts = Tallies(database)
        self.due_units = due_units.DueUnits(database)
        self.ends = Ends(database)
        self.retention = Retention(database)
        self.learnt = LearntOf(database)
        self.ledger = Ledger(database)
        self.schedules = Schedules(database)
        self.sources = Sources(database)
        self.tagging = Tagging(database)
        self.moments = Moments(database)
        self.overview = Overview(database)
        self.pages = Pages(database)
        self.seals = Seals(database)

    @property
    def name(self) -> str:
        """The path or the address of the store, without its password."""
        return self._database.name

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def check(self) -> list[checks.Check]:
        """Whether the store is well: (name, ok, detail) each."""
        return self._read(checks.check)

    # What the world says

    def add_reports(self, reports: Iterable[Report], recorded_at: datetime) -> Added:
        """Add reports; what is known adds nothing, other content under an id corrects it.

        A correction is known from `recorded_at` on, or later if it says so. A report that goes
        back to an earlier wording is a correction too if it has a `known_at` of its own.
        """
        return self._write(facts.add, facts.REPORTS, list(reports), recorded_at)

    def add_events(self, events: Iterable[Event], recorded_at: datetime) -> Added:
        """Add events, as reports are added."""
        return self._write(facts.add, facts.EVENTS, list(events), recorded_at)

    def add_questions(self, questions: Iterable[Question], recorded_at: datetime) -> Added:
        """Add or change questions: the newest wording of an id is the question."""
        last = {question.question_id: question for question in questions}
        return self._write(facts.add, facts.QUESTIONS, list(last.values()), recorded_at)

    def add_resolutions(self, resolutions: Iterable[Resolution], recorded_at: datetime) -> Added:
        """Add outcomes of questions, as reports are added."""
        return self._write(facts.add, facts.RESOLUTIONS, list(resolutions), recorded_at)

    def add_crowd(self, crowd: Iterable[CrowdForecast], recorded_at: datetime) -> Added:
        """Add forecasts of others; another number of one source for one moment corrects it."""
        return self._write(facts.add, facts.CROWD, list(crowd), recorded_at)

    def add_coverage(self, coverage: Iterable[Coverage], recorded_at: datetime) -> Added:
        """Add spans at risk or watched, as reports are added."""
        return self._write(facts.add, facts.COVERAGE, list(coverage), recorded_at)

    def assign(self, assignments: Iterable[Assignment], recorded_at: datetime) -> Added:
        """Put reports into incidents by a person's word; of several the last counts."""
        return self._write(facts.add, facts.ASSIGNMENTS, list(assignments), recorded_at)

    def quarantine(self, rows: Iterable[BadRow], recorded_at: datetime) -> None:
        """Keep rows that could not be read, each once."""
        self._write(quarantine.add, list(rows), recorded_at)

    def quarantined(self) -> list[BadRow]:
        """The rows that could not be read, in the order in which they came."""
        return self._read(quarantine.listed)

    def snapshot(self, question: Question, as_of: datetime) -> Snapshot:
        """All that was known before `as_of` (strictly) at the question's unit."""
        return self._read(reading.snapshot, question, as_of, self._rule)

    def reports(self, unit: str, as_of: datetime) -> list[Report]:
        """The reports known before `as_of` at a unit, by (known_at, report_id)."""
        return self._read(reading.reports, unit, as_of, self._rule)

    def placed_reports(self, unit: str, as_of: datetime) -> list[Placed]:
        """Every version of those reports, with its end, its incident and why it is there."""
        return self._read(reading.placed_reports, unit, as_of, self._rule)

    def units(self) -> list[str]:
        """Every unit that a report, an event or a question names, sorted."""
        return self._read(reading.units)

    def newest_reports(self, as_of: datetime) -> dict[str, datetime]:
        """When the newest report of each unit became known, of those known before `as_of`."""
        return self._read(reading.newest_reports, as_of)

    def units_of(self, report_ids: Sequence[str]) -> dict[str, str]:
        """The unit of each report that is known by its id and stands."""
        return self._read(reading.units_of, report_ids)

    def questions(self, patterns: Iterable[str] = ("*",)) -> list[Question]:
        """The questions whose id fits any shell pattern, by (deadline, id)."""
        return self._read(reading.questions, tuple(patterns))

    def question(self, question_id: str) -> Question:
        """One question; UsageError, with the nearest id, if there is none."""
        return self._read(reading.question, question_id)

    def resolution(self, question_id: str, as_of: datetime | None = None) -> Resolution | None:
        """How a question ended, as known before `as_of` or now."""
        return self._read(ends.resolution, question_id, as_of)

    def resolved(self, question_ids: Sequence[str], as_of: datetime) -> set[str]:
        """Which of some questions had ended, as known before `as_of`."""
        return self._read(ends.resolved, question_ids, as_of)

    def crowd(self, question_id: str, as_of: datetime | None = None) -> list[CrowdForecast]:
        """What others said of a question, as known before `as_of` or now, by (at, source)."""
        return self._read(reading.crowd, question_id, as_of)

    # What we believed and said

    def prior_versions(self, definition: str) -> list[PriorVersion]:
        """All versions of a definition's prior, from the first on."""
        return self._read(priors.versions, definition)

    def latest_prior(self, definition: str) -> PriorVersion | None:
        """The newest version of a definition's prior, if there is any."""
        return self._read(priors.latest, definition)

    def add_prior_version(self, version: PriorVersion) -> None:
        """Add a version; UsageError if somebody else took its number first."""
        self._write(priors.add, version)

    def record(
        self,
        *,
        estimates: Iterable[Estimate] = (),
        resolutions: Iterable[Resolution] = (),
        states: Iterable[rule_states.StateChange] = (),
        transitions: Iterable[Transition] = (),
        to_tell: Iterable[Notice] = (),
        deliveries: Iterable[Delivery] = (),
        model_states: Iterable[answers.ModelState] = (),
        beliefs: Sequence[Learnt] = (),
        run: RunClaim | due_units.DueClaim | None = None,
        recorded_at: datetime,
    ) -> None:
        """Write all that one update came to, or nothing of it; `resolutions` are derived ones.

        An estimate that is there already (question, as_of, inputs digest) is left alone; a
        delivery id that is there already is a StoreError. `states` are (before, after):
        ConflictError where a rule's newest state is no longer `before`. `to_tell` are notices, of
        which those that are there already are left alone. A model state is (key, as_of,
        blob), and `beliefs` are what it says of the prior. With `run`, StoreError where that run,
        or those units, are no longer held.
        """
        estimates, resolutions = list(estimates), list(resolutions)
        states, transitions = list(states), list(transitions)
        to_tell, deliveries, model_states = list(to_tell), list(deliveries), list(model_states)

        def work(connection: Connection) -> None:
            # first what takes the lock of all facts: whoever adds some has it, and then the units
            facts.add(connection, facts.DERIVED, resolutions, recorded_at)
            if isinstance(run, due_units.DueClaim):
                due_units.require_held(connection, run)
            elif run is not None:
                runs.require_held(connection, run)
            answers.add_estimates(connection, estimates, recorded_at)
            rule_states.add_rule_states(connection, states, recorded_at)
            rule_states.add_transitions(connection, transitions, recorded_at)
            notices.add(connection, to_tell)
            answers.add_model_states(connection, model_states, recorded_at)
            learnt.add(connection, beliefs, recorded_at)
            outbox.add(connection, deliveries)

        self._write(work)

    def estimates(
        self, question_id: str, since: datetime | None = None, until: datetime | None = None
    ) -> list[Estimate]:
        """The estimates with since <= as_of <= until, by as_of; of one as_of, the last one."""
        return self._read(answers.estimates, question_id, since, until)

    def latest_estimate(self, question_id: str, before: datetime | None = None) -> Estimate | None:
        """The newest estimate of a question, or the newest with as_of < before."""
        return self._read(answers.latest_estimate, question_id, before)

    def latest_estimates(self) -> dict[str, Estimate]:
        """The newest estimate of every question that has one, by question id."""
        return self._read(answers.latest_estimates)

    def model_state(self, key: str, as_of: datetime | None = None) -> bytes | None:
        """The newest state under a key, or the newest with a moment at or before `as_of`."""
        return self._read(answers.model_state, key, as_of)

    def record_audits(
        self, found: Iterable[Audit], recorded_at: datetime, run: RunClaim | None = None
    ) -> None:
        """Add audits; StoreError where `run` is given and no longer held."""
        self._write(audits.add, list(found), run, recorded_at)

    def latest_audits(self, track: str, as_of: datetime) -> list[Audit]:
        """The audits of a track's newest moment, at or before `as_of`, that could be judged."""
        return self._read(audits.latest, track, as_of)

    def audits(self, question_id: str) -> list[Audit]:
        """All audits of a question, oldest first."""
        return self._read(audits.of_question, question_id)

    # What is to be done

    def last_slot(self, schedule_id: str) -> datetime | None:
        """The latest slot of a schedule that anybody claimed."""
        return self._read(runs.last_slot, schedule_id)

    def runs(self, limit: int = 100) -> list[Run]:
        """The latest runs, newest first."""
        return self._read(runs.recent, limit)

    def abandoned_runs(self, now: datetime) -> list[Run]:
        """The unfinished runs of which there is something to take; oldest slot first."""
        return self._read(runs.abandoned, now)

    def claim_deliveries(
        self,
        now: datetime,
        owner: str,
        lease: timedelta,
        limit: int,
        but_not: Collection[str] = (),
    ) -> list[Delivery]:
        """Borrow deliveries that are due, or whose borrower's lease ran out, oldest first.

        None of the channels `but_not`, and none of a channel that is switched off.
        """
        return self._write(outbox.claim, now, owner, lease, limit, but_not)

    def renew_deliveries(self, owner: str, until: datetime) -> None:
        """Keep what was borrowed for longer."""
        self._write(outbox.renew, owner, until)

    def release_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Give back what was borrowed and not sent, as if it never had been."""
        self._write(outbox.release, deliveries)

    def mark_delivered(self, delivery: Delivery, at: datetime, note: str = "") -> bool:
        """The receiver took it; False if it is no longer ours. Its channel works."""
        told = (delivery, at, outbox.DELIVERED, note, ChannelHealth.WORKS)
        return self._write(outbox.settle, *told, delivered_at=at)

    def reschedule(
        self,
        delivery: Delivery,
        due_at: datetime,
        error: str,
        at: datetime,
        health: ChannelHealth | None = ChannelHealth.FAILING,
    ) -> bool:
        """It failed and is to be sent again at `due_at`; False if it is no longer ours.

        `health` is what that says of its channel, if anything.
        """
        return self._write(outbox.settle, delivery, at, outbox.DUE, error, health, due_at=due_at)

    def mark_dead(
        self,
        delivery: Delivery,
        at: datetime,
        error: str,
        health: ChannelHealth | None = ChannelHealth.FAILING,
    ) -> bool:
        """It failed for good; False if it is no longer ours. `health` as above."""
        return self._write(outbox.settle, delivery, at, outbox.DEAD, error, health)

    def replay(self, ids: Sequence[str], at: datetime) -> None:
        """Dead deliveries are due again under their ids, their schedule begun anew at `at`.

        UsageError, and nothing changed, where one of them is not there or not dead.
        """
        self._write(outbox.replay, ids, at)

    def last_attempts(self, channels: Collection[str]) -> dict[str, datetime]:
        """When each of some channels was last tried, of those tried lately."""
        return self._read(outbox.last_attempts, channels)

    def deliveries_named(self, beginning: str, limit: int = 2) -> list[Delivery]:
        """Deliveries whose id begins so; one that is called just so comes first."""
        return self._read(outbox.beginning_with, beginning, limit)

    def deliveries(
        self, status: str | None = None, channel: str | None = None, limit: int | None = None
    ) -> list[Delivery]:
        """Deliveries by (created_at, id); with `limit`, the newest so many.

        `status` is "due", "sending", "delivered" or "dead".
        """
        return self._read(outbox.listed, status, channel, limit)

    def attempts(self, delivery_id: str) -> list[outbox.Attempt]:
        """What became of the sends of one delivery, first to last."""
        return self._read(outbox.attempts, delivery_id)

    def next_due(self, now: datetime) -> datetime | None:
        """When a claim next finds something: `now` if at once, None if nothing waits."""
        return self._read(outbox.next_due, now)
